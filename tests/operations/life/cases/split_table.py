"""Columns move to a table of their own: with all that can hang on them, and under other names."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

_LEFT = "SELECT id FROM users LEFT JOIN profiles ON profiles.user_id = users.id WHERE profiles.user_id IS NULL"

CASES = (
    Case(
        id="with all that can hang on the columns",
        roles=("life_owner", "life_reader"),
        setup="""
        CREATE TYPE mood AS ENUM ('glad', 'sad');
        CREATE TABLE teams (id int PRIMARY KEY);
        INSERT INTO teams SELECT generate_series(1, 10);
        CREATE TABLE users (
            id bigint PRIMARY KEY, name text NOT NULL, bio text, handle varchar(40) COLLATE "C",
            lang text NOT NULL DEFAULT 'en', size numeric(8,2) CHECK (size > 0), mood mood DEFAULT 'glad', data jsonb,
            team int REFERENCES teams ON DELETE SET NULL, "Odd % name" json, seen timestamptz,
            CONSTRAINT by_handle UNIQUE (handle)
        );
        COMMENT ON COLUMN users.bio IS 'who they are';
        COMMENT ON CONSTRAINT by_handle ON users IS 'each once';
        CREATE INDEX users_bio ON users (lower(bio)) WHERE bio IN ('a', 'b');
        CREATE INDEX users_lang ON users (lang DESC) INCLUDE (size);
        ALTER TABLE users ALTER bio SET STATISTICS 50, ALTER data SET STORAGE EXTERNAL;
        CREATE TABLE letters (id bigint, user_id bigint REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE);
        INSERT INTO users SELECT g, 'user ' || g, 'bio ' || g, 'h' || g, 'en', g + 0.50, 'sad', '{"a": 1}', g % 10 + 1,
            '{"b":  2}', now() FROM generate_series(1, 200) g;
        CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            NEW.seen := clock_timestamp(); RETURN NEW; END $$;
        CREATE TRIGGER seeing BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION see();
        GRANT SELECT, INSERT ON users TO life_reader;
        GRANT UPDATE (bio, name) ON users TO life_reader;
        GRANT CREATE ON SCHEMA public TO life_owner;
        ALTER TABLE users OWNER TO life_owner;
        """,
        changes="""
        - split_table:
            table: users
            to_table: profiles
            key: {id: user_id}
            columns: {bio: about, handle: handle, lang: lang, size: size, mood: mood, data: data, team: team,
              "Odd % name": "Odder % name"}
        """,
        plain="""
        CREATE TABLE profiles (
            user_id bigint PRIMARY KEY, about text, handle varchar(40) COLLATE "C", lang text NOT NULL DEFAULT 'en',
            size numeric(8,2) CONSTRAINT users_size_check CHECK (size > 0), mood mood DEFAULT 'glad', data jsonb,
            team int REFERENCES teams ON DELETE SET NULL, "Odder % name" json, UNIQUE (handle)
        );
        INSERT INTO profiles SELECT id, bio, handle, lang, size, mood, data, team, "Odd % name" FROM users;
        ALTER TABLE profiles ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE;
        COMMENT ON COLUMN profiles.about IS 'who they are';
        COMMENT ON CONSTRAINT profiles_handle_key ON profiles IS 'each once';
        CREATE INDEX ON profiles (lower(about)) WHERE about IN ('a', 'b');
        CREATE INDEX ON profiles (lang DESC) INCLUDE (size);
        ALTER TABLE profiles ALTER about SET STATISTICS 50, ALTER data SET STORAGE EXTERNAL;
        ALTER TABLE users DROP bio, DROP handle, DROP lang, DROP size, DROP mood, DROP data, DROP team,
            DROP "Odd % name";
        GRANT SELECT, INSERT ON profiles TO life_reader;
        GRANT UPDATE (about) ON profiles TO life_reader;
        ALTER TABLE profiles OWNER TO life_owner;
        """,
        old_writes=(
            "INSERT INTO users (id, name, bio, handle, size) VALUES (%(n)s, 'o', 'old', 'o' || %(n)s, %(n)s)",
            "INSERT INTO letters VALUES (%(n)s, %(n)s)",
            "INSERT INTO users (id, name) VALUES (%(n)s + 100000, 'plain')",
            "UPDATE users SET bio = 'o' || %(n)s, data = NULL WHERE id = %(n)s %% 200 + 1",
            "UPDATE users SET bio = bio || '.', name = 'n' WHERE id BETWEEN 20 AND 30",
            """
            INSERT INTO users (id, name, lang) VALUES (%(n)s, 'o', 'fr')
            ON CONFLICT (id) DO UPDATE SET lang = excluded.lang, mood = NULL
            """,
            "UPDATE users SET id = id + 200000 WHERE id = %(n)s",
            "UPDATE users SET name = 'unrelated' WHERE id = %(n)s %% 200 + 1",
            "DELETE FROM users WHERE id IN (%(n)s + 200000, %(n)s + 100000)",
        ),
        new_writes=(
            "INSERT INTO users (id, name) VALUES (%(n)s, 'n')",
            "INSERT INTO profiles (user_id, about, lang) VALUES (%(n)s, 'new', 'de') RETURNING about",
            """
            WITH u AS (INSERT INTO users (id, name) VALUES (%(n)s + 100000, 'n') RETURNING id)
            SELECT id FROM u
            """,
            """
            INSERT INTO profiles (user_id, about) VALUES (%(n)s + 100000, 'upserted')
            ON CONFLICT (user_id) DO UPDATE SET about = excluded.about
            """,
            "UPDATE profiles SET about = about || '+', size = size + 1 WHERE user_id = %(n)s %% 200 + 1",
            "UPDATE profiles SET handle = NULL, \"Odder %% name\" = '[1,  2]' WHERE user_id BETWEEN 25 AND 35",
            "UPDATE profiles SET user_id = user_id WHERE user_id = %(n)s",
            "DELETE FROM users WHERE id IN (%(n)s, %(n)s + 100000)",
        ),
        reads=(
            (
                'SELECT id, bio, handle, lang, size, mood, data, team, "Odd % name"::text FROM users ORDER BY id',
                """
                SELECT user_id, about, handle, lang, size, mood, data, team, "Odder % name"::text FROM profiles
                ORDER BY user_id
                """,
            ),
        ),
        new_from=State.BACKFILLED,
        checks={State.BACKFILLED: ((_LEFT, []),)},
    ),
)
