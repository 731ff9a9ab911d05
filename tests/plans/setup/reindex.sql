CREATE TABLE orders (id int PRIMARY KEY, customer int, placed_at timestamptz, total numeric, cancelled_at timestamptz);
INSERT INTO orders SELECT g, g % 10, now(), g FROM generate_series(1, 200) g;
CREATE INDEX orders_by_day ON orders (placed_at);
