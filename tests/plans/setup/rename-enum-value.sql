CREATE TYPE status AS ENUM ('new', 'paid', 'canceled');
CREATE TABLE orders (id int PRIMARY KEY, status status NOT NULL DEFAULT 'new');
INSERT INTO orders SELECT g, 'canceled' FROM generate_series(1, 100) g;
