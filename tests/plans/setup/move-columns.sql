CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, bio text, avatar bytea);
CREATE TABLE profiles (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE,
    theme text NOT NULL DEFAULT 'light', made timestamptz NOT NULL DEFAULT now()
);
INSERT INTO users SELECT g, 'user ' || g, nullif('bio ' || g, 'bio 7') FROM generate_series(1, 50) g;
INSERT INTO profiles (user_id) SELECT generate_series(1, 20);
