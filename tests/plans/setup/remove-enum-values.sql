CREATE TYPE status AS ENUM ('new', 'paid', 'refunded', 'cancelled', 'unknown');
CREATE TABLE orders (id int PRIMARY KEY, status status DEFAULT 'new', CHECK (status <> 'paid' OR id > 0));
CREATE TABLE invoices (id int PRIMARY KEY, status status);
CREATE INDEX orders_status ON orders (status) WHERE status = 'new';
INSERT INTO orders SELECT g, (ARRAY['new', 'refunded', 'unknown']::status[])[g % 3 + 1] FROM generate_series(1, 100) g;
INSERT INTO invoices SELECT g, 'refunded' FROM generate_series(1, 100) g;
