CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text
);
CREATE INDEX users_search ON users (lower(email), name) WHERE email <> '';
CREATE TABLE posts (author bigint REFERENCES users, title text);
INSERT INTO users (email, name) SELECT 'user' || g || '@example.org', 'name ' || g FROM generate_series(1, 200) g;
INSERT INTO posts SELECT id, 'title' FROM users;
