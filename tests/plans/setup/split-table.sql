CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, bio text, avatar bytea);
INSERT INTO users SELECT g, 'user ' || g, nullif('bio ' || g, 'bio 7') FROM generate_series(1, 50) g;
