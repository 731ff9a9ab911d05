CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    status varchar(9) NOT NULL CONSTRAINT orders_status_check CHECK (status IN ('new', 'paid'))
);
INSERT INTO orders (status) SELECT 'new' FROM generate_series(1, 200);
