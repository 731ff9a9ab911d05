-- The shop's schema, as a team would have written it years ago.
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (email LIKE '%@%'),
    name text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX users_by_lower_email ON users (lower(email));
COMMENT ON COLUMN users.email IS 'where we write to; also the login';
GRANT SELECT, INSERT, UPDATE ON users TO shop_app;
