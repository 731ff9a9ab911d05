CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int);
CREATE INDEX ON orders (customer_id);
INSERT INTO customers SELECT generate_series(1, 100);
INSERT INTO orders (customer_id) SELECT g FROM generate_series(1, 110) g;
