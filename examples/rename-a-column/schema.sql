-- The table of the story, as it is before the change. `psql "$DATABASE_URL" -f schema.sql`
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL CONSTRAINT users_email_key UNIQUE CONSTRAINT users_email_check CHECK (email LIKE '%@%'),
    visits integer NOT NULL DEFAULT 0
);
CREATE INDEX users_email_lower ON users (lower(email));
COMMENT ON COLUMN users.email IS 'Where to write to.';

INSERT INTO users (email) SELECT 'user' || n || '@example.org' FROM generate_series(1, 20000) AS n;
