"""A table's columns become those of the one that it refers to; its foreign key would stop new versions' DELETEs."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

CASES = (
    Case(
        id="whose foreign key does not cascade",
        setup="""
        CREATE TYPE mood AS ENUM ('glad', 'sad');
        CREATE TABLE teams (id int PRIMARY KEY);
        INSERT INTO teams SELECT generate_series(1, 10);
        CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
        CREATE TABLE profiles (
            user_id bigint PRIMARY KEY REFERENCES users, bio text, lang text COLLATE "C" NOT NULL DEFAULT 'en',
            size numeric(8,2) CONSTRAINT sized CHECK (size > 0), mood mood DEFAULT 'glad', data jsonb,
            team int REFERENCES teams ON DELETE SET NULL, "Odd % name" json
        );
        COMMENT ON TABLE profiles IS 'who they are';
        COMMENT ON COLUMN profiles.bio IS 'what they say';
        CREATE INDEX ON profiles (bio);
        INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 210) g;
        INSERT INTO profiles SELECT g, nullif('bio ' || g, 'bio 7'), CASE WHEN g % 3 = 0 THEN 'fr' ELSE 'en' END,
            g + 0.50, 'sad', '{"a": 1}', g % 10 + 1, '{"b":  2}' FROM generate_series(1, 200) g;
        """,
        changes="""
        - merge_tables:
            from: profiles
            into: users
            key: {user_id: id}
            columns: {bio: about, lang: lang, size: size, mood: mood, data: data, team: team,
              "Odd % name": "Odder % name"}
        """,
        plain="""
        ALTER TABLE users ADD about text, ADD lang text COLLATE "C" NOT NULL DEFAULT 'en',
            ADD size numeric(8,2) CONSTRAINT sized CHECK (size > 0), ADD mood mood DEFAULT 'glad', ADD data jsonb,
            ADD team int REFERENCES teams ON DELETE SET NULL, ADD "Odder % name" json;
        COMMENT ON COLUMN users.about IS 'what they say';
        UPDATE users SET about = bio, lang = p.lang, size = p.size, mood = p.mood, data = p.data, team = p.team,
            "Odder % name" = "Odd % name" FROM profiles p WHERE user_id = users.id;
        DROP TABLE profiles;
        """,
        old_writes=(
            "INSERT INTO users (id, name) VALUES (%(n)s, 'o'), (%(n)s + 100000, 'plain')",
            "INSERT INTO profiles (user_id, bio, size) VALUES (%(n)s, 'old', %(n)s) RETURNING bio",
            "UPDATE profiles SET bio = 'o' || %(n)s, data = NULL WHERE user_id = %(n)s %% 200 + 1",
            "UPDATE profiles SET bio = bio || '.' WHERE user_id BETWEEN 20 AND 30",
            """
            INSERT INTO profiles (user_id, lang) VALUES (%(n)s, 'fr')
            ON CONFLICT (user_id) DO UPDATE SET lang = excluded.lang, mood = NULL
            """,
            "INSERT INTO profiles (user_id) VALUES (%(n)s + 100000)",
            "DELETE FROM profiles WHERE user_id IN (%(n)s, %(n)s + 100000)",
            "DELETE FROM users WHERE id IN (%(n)s, %(n)s + 100000)",
        ),
        new_writes=(
            "INSERT INTO users (id, name, about) VALUES (%(n)s, 'n', 'new')",
            "INSERT INTO users (id, name) VALUES (%(n)s + 100000, 'n')",
            "UPDATE users SET about = 'n', lang = 'de' WHERE id = %(n)s + 100000",
            "UPDATE users SET about = about || '+', size = size + 1 WHERE id = %(n)s %% 200 + 1",
            "UPDATE users SET mood = NULL, name = 'x', \"Odder %% name\" = '[1,  2]' WHERE id BETWEEN 25 AND 35",
            "UPDATE users SET name = 'unrelated' WHERE id = %(n)s %% 200 + 1",
            "DELETE FROM users WHERE id IN (%(n)s, %(n)s + 100000)",
        ),
        reads=(
            (
                """
                SELECT u.id, p.bio, coalesce(p.lang, 'en'), p.size,
                    CASE WHEN p.user_id IS NULL THEN 'glad' ELSE p.mood END, p.data, p.team, p."Odd % name"::text
                FROM users u LEFT JOIN profiles p ON p.user_id = u.id ORDER BY u.id
                """,
                'SELECT id, about, lang, size, mood, data, team, "Odder % name"::text FROM users ORDER BY id',
            ),
        ),
        untouched=("SELECT id, name, about, lang, mood FROM users WHERE id > 200 AND id < 211 ORDER BY id",),
        new_from=State.BACKFILLED,
    ),
)
