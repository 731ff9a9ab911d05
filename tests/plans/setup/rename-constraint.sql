CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount int);
INSERT INTO orders (amount) SELECT generate_series(1, 200);
