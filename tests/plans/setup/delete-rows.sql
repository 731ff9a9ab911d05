CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, last_seen_at timestamptz NOT NULL);
CREATE TABLE users_archive (LIKE users INCLUDING ALL);
INSERT INTO users
    SELECT g, 'user' || g || '@example.org', now() - make_interval(months => g % 48) FROM generate_series(1, 200) g;
