CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    nickname text NOT NULL,
    status text DEFAULT 'active',
    search text GENERATED ALWAYS AS (lower(email)) STORED
);
CREATE INDEX users_nickname ON users (nickname);
INSERT INTO users (email, nickname) SELECT 'user' || g || '@example.org', 'n' || g FROM generate_series(1, 200) g;
