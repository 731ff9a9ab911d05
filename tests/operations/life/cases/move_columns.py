"""Columns move to a table that is there already: one that refers to theirs, and one that theirs refers to."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

CASES = (
    Case(
        id="to a table that refers to theirs and lacks rows",
        setup="""
        CREATE TYPE mood AS ENUM ('glad', 'sad');
        CREATE TABLE teams (id int PRIMARY KEY);
        INSERT INTO teams SELECT generate_series(1, 10);
        CREATE TABLE users (
            id bigint PRIMARY KEY, name text NOT NULL, bio text, lang text COLLATE "C" NOT NULL DEFAULT 'en',
            size numeric(8,2) CONSTRAINT sized CHECK (size > 0), mood mood DEFAULT 'glad', data jsonb,
            team int REFERENCES teams ON DELETE SET NULL, "Odd % name" json
        );
        COMMENT ON COLUMN users.bio IS 'who they are';
        COMMENT ON CONSTRAINT sized ON users IS 'not empty';
        ALTER TABLE users ALTER bio SET STATISTICS 50, ALTER data SET STORAGE EXTERNAL;
        CREATE TABLE profiles (
            id bigserial PRIMARY KEY, user_id bigint NOT NULL UNIQUE
                REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
            theme text NOT NULL DEFAULT 'light', made timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        INSERT INTO users SELECT g, 'user ' || g, nullif('bio ' || g, 'bio 7'),
            CASE WHEN g % 3 = 0 THEN 'fr' ELSE 'en' END,
            g + 0.50, 'sad', '{"a": 1}', g % 10 + 1, '{"b":  2}' FROM generate_series(1, 200) g;
        INSERT INTO users SELECT g, 'without' FROM generate_series(201, 210) g;
        INSERT INTO profiles (user_id, theme) SELECT g, 'dark' FROM generate_series(1, 205, 2) g;
        """,
        changes="""
        - move_columns:
            table: users
            to_table: profiles
            key: {id: user_id}
            columns: {bio: about, lang: lang, size: size, mood: mood, data: data, team: team,
              "Odd % name": "Odder % name"}
        - create_index: {table: profiles, name: by_about, columns: [about]}
        """,
        plain="""
        ALTER TABLE profiles ADD about text, ADD lang text COLLATE "C" NOT NULL DEFAULT 'en',
            ADD size numeric(8,2) CONSTRAINT sized CHECK (size > 0), ADD mood mood DEFAULT 'glad', ADD data jsonb,
            ADD team int REFERENCES teams ON DELETE SET NULL, ADD "Odder % name" json;
        ALTER TABLE profiles ALTER about SET STATISTICS 50, ALTER data SET STORAGE EXTERNAL;
        COMMENT ON COLUMN profiles.about IS 'who they are';
        COMMENT ON CONSTRAINT sized ON profiles IS 'not empty';
        INSERT INTO profiles (user_id) SELECT id FROM users WHERE id <= 200
            AND id NOT IN (SELECT user_id FROM profiles);
        UPDATE profiles SET about = bio, lang = users.lang, size = users.size, mood = users.mood, data = users.data,
            team = users.team, "Odder % name" = "Odd % name" FROM users WHERE user_id = users.id;
        ALTER TABLE users DROP bio, DROP lang, DROP size, DROP mood, DROP data, DROP team, DROP "Odd % name";
        CREATE INDEX by_about ON profiles (about);
        """,
        old_writes=(
            "INSERT INTO users (id, name, bio, size) VALUES (%(n)s, 'o', 'old', %(n)s)",
            "INSERT INTO profiles (user_id, theme) VALUES (%(n)s, 'dim') RETURNING id",
            "INSERT INTO users (id, name) VALUES (%(n)s + 100000, 'plain')",
            "INSERT INTO profiles (user_id) VALUES (%(n)s + 100000)",
            "UPDATE users SET bio = 'o' || %(n)s, data = NULL WHERE id = %(n)s %% 200 + 1",
            "UPDATE users SET bio = bio || '.', name = 'n' WHERE id BETWEEN 20 AND 30",
            """
            INSERT INTO users (id, name, lang) VALUES (%(n)s, 'o', 'fr')
            ON CONFLICT (id) DO UPDATE SET lang = excluded.lang, mood = NULL
            """,
            "UPDATE users SET id = id + 200000, bio = 'moved' WHERE id = %(n)s",
            "UPDATE profiles SET theme = 'x' WHERE user_id = %(n)s + 200000",
            "DELETE FROM users WHERE id IN (%(n)s + 200000, %(n)s + 100000)",
        ),
        new_writes=(
            "INSERT INTO users (id, name) VALUES (%(n)s, 'n')",
            "INSERT INTO profiles (user_id, about, lang) VALUES (%(n)s, 'new', 'de') RETURNING about",
            "INSERT INTO users (id, name) VALUES (%(n)s + 100000, 'n')",
            """
            INSERT INTO profiles (user_id, about) VALUES (%(n)s + 100000, 'upserted')
            ON CONFLICT (user_id) DO UPDATE SET about = excluded.about
            """,
            "UPDATE profiles SET about = about || '+', size = size + 1 WHERE user_id = %(n)s %% 100 * 2 + 1",
            "UPDATE profiles SET mood = NULL, \"Odder %% name\" = '[1,  2]' WHERE user_id BETWEEN 25 AND 35",
            "DELETE FROM profiles WHERE user_id = %(n)s",
            "DELETE FROM users WHERE id IN (%(n)s, %(n)s + 100000)",
        ),
        reads=(
            (
                'SELECT id, bio, lang, size, mood, data, team, "Odd % name"::text FROM users ORDER BY id',
                """
                SELECT u.id, p.about, coalesce(p.lang, 'en'), p.size,
                    CASE WHEN p.id IS NULL THEN 'glad' ELSE p.mood END, p.data, p.team, p."Odder % name"::text
                FROM users u LEFT JOIN profiles p ON p.user_id = u.id ORDER BY u.id
                """,
            ),
        ),
        untouched=(
            "SELECT user_id, about, lang, theme FROM profiles WHERE user_id BETWEEN 201 AND 210 ORDER BY user_id",
        ),
        new_from=State.BACKFILLED,
    ),
    Case(
        id="to a table that theirs refers to",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
        CREATE TABLE profiles (
            user_id int PRIMARY KEY REFERENCES users ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, bio text,
            lang text NOT NULL DEFAULT 'en', theme text NOT NULL DEFAULT 'light'
        );
        INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 210) g;
        INSERT INTO profiles SELECT g, 'bio ' || g, 'fr' FROM generate_series(1, 200) g;
        """,
        changes="""
        - move_columns: {table: profiles, to_table: users, key: {user_id: id}, columns: {bio: about, lang: lang}}
        """,
        plain="""
        ALTER TABLE users ADD about text, ADD lang text NOT NULL DEFAULT 'en';
        UPDATE users SET about = bio, lang = profiles.lang FROM profiles WHERE user_id = id;
        ALTER TABLE profiles DROP bio, DROP lang;
        """,
        old_writes=(
            """
            WITH p AS (INSERT INTO profiles VALUES (%(n)s, 'first', 'xx') RETURNING 1)
            INSERT INTO users SELECT %(n)s, 'o' FROM p
            """,
            "INSERT INTO users VALUES (%(n)s + 100000, 'o')",
            "INSERT INTO profiles (user_id, bio) VALUES (%(n)s + 100000, 'second')",
            "UPDATE profiles SET bio = 'o' || %(n)s WHERE user_id = %(n)s %% 200 + 1",
            "UPDATE profiles SET lang = 'it' WHERE user_id BETWEEN 20 AND 30",
            "DELETE FROM profiles WHERE user_id = %(n)s + 100000",
            "INSERT INTO profiles VALUES (%(n)s + 100000, NULL, 'again')",
            "DELETE FROM users WHERE id IN (%(n)s, %(n)s + 100000)",
        ),
        new_writes=(
            "INSERT INTO users (id, name, about) VALUES (%(n)s, 'n', 'new')",
            "INSERT INTO profiles (user_id, theme) VALUES (%(n)s, 'dim') RETURNING theme",
            "INSERT INTO users (id, name) VALUES (%(n)s + 100000, 'n')",
            "UPDATE users SET about = 'n', lang = 'de' WHERE id = %(n)s + 100000",
            "UPDATE users SET about = about || '+' WHERE id = %(n)s %% 200 + 1",
            "UPDATE users SET lang = 'es', name = 'es' WHERE id BETWEEN 25 AND 35",
            "DELETE FROM users WHERE id IN (%(n)s, %(n)s + 100000)",
        ),
        reads=(
            (
                """
                SELECT id, bio, coalesce(profiles.lang, 'en') FROM users LEFT JOIN profiles ON user_id = id ORDER BY id
                """,
                "SELECT id, about, lang FROM users ORDER BY id",
            ),
        ),
        new_from=State.BACKFILLED,
    ),
)
