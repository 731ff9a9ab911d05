CREATE TABLE payments (id int PRIMARY KEY, amount int NOT NULL DEFAULT 0 CHECK (amount >= 0), account text);
INSERT INTO payments SELECT g, g, 'a' || g % 10 FROM generate_series(1, 100) g;
CREATE INDEX payments_amount ON payments (amount);
CREATE VIEW large_payments AS SELECT id, amount FROM payments WHERE amount > 50;
CREATE MATERIALIZED VIEW totals AS SELECT account, sum(amount) AS total FROM payments GROUP BY account;
