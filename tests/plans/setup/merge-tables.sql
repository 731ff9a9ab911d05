CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE, bio text, avatar bytea);
INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 50) g;
INSERT INTO profiles SELECT g, nullif('bio ' || g, 'bio 7') FROM generate_series(1, 20) g;
