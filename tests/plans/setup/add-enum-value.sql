CREATE TYPE status AS ENUM ('new', 'paid', 'sent');
CREATE TABLE orders (id int PRIMARY KEY, status status);
INSERT INTO orders SELECT g, 'paid' FROM generate_series(1, 10) g;
