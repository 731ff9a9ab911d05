-- Sessions as an app leaves them behind: 20,000 live, 30,000 that expired more than a month ago.
CREATE TABLE sessions (
    id bigint PRIMARY KEY,
    user_id int NOT NULL,
    expires_at timestamptz NOT NULL,
    data jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE sessions_archive (LIKE sessions, archived_at timestamptz NOT NULL DEFAULT now());
INSERT INTO sessions (id, user_id, expires_at)
SELECT g, g % 977, now() + (CASE WHEN g % 5 < 2 THEN interval '1 day' ELSE interval '-45 days' END) FROM generate_series(1, 50000) g;
