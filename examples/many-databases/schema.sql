-- What each tenant has: 20,000 users.
CREATE TABLE users (
    id bigint PRIMARY KEY,
    email text NOT NULL
);
INSERT INTO users SELECT g, 'user' || g || '@example.org' FROM generate_series(1, 20000) g;
