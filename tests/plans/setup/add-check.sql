CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, amount int);
INSERT INTO orders (amount) SELECT CASE WHEN g % 10 = 0 THEN -g ELSE g END FROM generate_series(1, 200) g;
