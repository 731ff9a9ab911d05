CREATE TABLE accounts (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent int REFERENCES accounts,
    name text
);
CREATE TABLE orders (id bigint PRIMARY KEY, account int NOT NULL REFERENCES accounts ON DELETE CASCADE);
CREATE INDEX orders_account ON orders (account);
INSERT INTO accounts (name) SELECT 'name ' || g FROM generate_series(1, 200) g;
INSERT INTO orders SELECT id, id FROM accounts;
