"""Settings of columns, each in its phase: several of them in one plan, with partitions that have some of their own."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

CASES = (
    Case(
        id="settings of expand before what waits for contract",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, status text DEFAULT 'old', body text NOT NULL, gone text DEFAULT 'g')
            PARTITION BY RANGE (id);
        CREATE TABLE users_low PARTITION OF users FOR VALUES FROM (MINVALUE) TO (100);
        CREATE TABLE users_rest PARTITION OF users DEFAULT;
        ALTER TABLE users_low ALTER status SET DEFAULT 'low', ALTER gone SET DEFAULT 'l', ALTER body SET STORAGE MAIN,
            ALTER body SET STATISTICS 7;
        COMMENT ON TABLE users IS 'people';
        INSERT INTO users SELECT g, 's', 'b' FROM generate_series(1, 200) g;
        """,
        changes="""
        - set_default: {table: users, column: status, value: "lower('NEW')"}
        - set_statistics: {table: users, column: body, target: 500}
        - set_storage: {table: users, column: body, storage: external}
        - set_comment: {table: users, comment: ""}
        - set_comment: {table: users, column: status, comment: "where it's at"}
        - drop_default: {table: users, column: gone}
        - drop_not_null: {table: users, column: body}
        """,
        plain="""
        ALTER TABLE users ALTER status SET DEFAULT lower('NEW'), ALTER body SET STATISTICS 500,
            ALTER body SET STORAGE EXTERNAL, ALTER gone DROP DEFAULT, ALTER body DROP NOT NULL;
        COMMENT ON TABLE users IS NULL;
        COMMENT ON COLUMN users.status IS 'where it''s at';
        """,
        old_writes=(
            "INSERT INTO users (id, body) VALUES (%(n)s, 'old')",
            "UPDATE users SET body = 'o' WHERE id = %(n)s %% 200 + 1",
            "SELECT length(body) FROM users WHERE id = %(n)s",
        ),
        new_writes=("INSERT INTO users (id, gone, body) VALUES (%(n)s, 'x', 'new')",),
        reads=(("SELECT id, body FROM users ORDER BY id", "SELECT id, body FROM users ORDER BY id"),),
    ),
    Case(
        id="beside a rename, which is retained and reverted",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text, status text NOT NULL DEFAULT 'old', body text);
        INSERT INTO users SELECT g, 'e', 's' FROM generate_series(1, 200) g;
        """,
        changes="""
        - rename_column: {table: users, from: email, to: address}
        - drop_not_null: {table: users, column: status}
        - drop_default: {table: users, column: status}
        - set_comment: {table: users, column: body, comment: what they wrote}
        - add_column: {table: users, name: plan, type: text, default: "'free'"}
        """,
        plain="""
        ALTER TABLE users RENAME email TO address;
        ALTER TABLE users ALTER status DROP NOT NULL, ALTER status DROP DEFAULT, ADD plan text DEFAULT 'free';
        COMMENT ON COLUMN users.body IS 'what they wrote';
        """,
        old_writes=("INSERT INTO users (id, email) VALUES (%(n)s, 'old')",),
        new_writes=("INSERT INTO users (id, address, status) VALUES (%(n)s, 'new', 'n')",),
        reads=(
            ("SELECT id, email, status FROM users ORDER BY id", "SELECT id, address, status FROM users ORDER BY id"),
        ),
    ),
    Case(
        id="a generated column and identities",
        oldest=17,
        setup="""
        CREATE TABLE users (id bigint PRIMARY KEY, email text, search text GENERATED ALWAYS AS (lower(email)) STORED,
            number int GENERATED ALWAYS AS IDENTITY (CACHE 1), kept text GENERATED ALWAYS AS (email || '!') STORED);
        INSERT INTO users SELECT g, 'E' || g FROM generate_series(1, 200) g;
        """,
        changes="""
        - set_generated: {table: users, column: search, expression: "lower(email) || '?'"}
        - set_generated: {table: users, column: kept}
        - set_identity: {table: users, column: id, generated: always, sequence: {cache: 5}}
        - set_identity: {table: users, column: number, generated: never}
        """,
        plain="""
        ALTER TABLE users ALTER search SET EXPRESSION AS (lower(email) || '?'), ALTER kept DROP EXPRESSION,
            ALTER id ADD GENERATED ALWAYS AS IDENTITY (CACHE 5), ALTER number DROP IDENTITY;
        """,
        old_writes=("INSERT INTO users (id, email) VALUES (-%(n)s, 'old')", "SELECT search FROM users WHERE id = 1"),
        new_writes=(
            "INSERT INTO users (email, number) VALUES ('new', -%(n)s)",
            "UPDATE users SET email = 'x' || %(n)s WHERE number = -%(n)s",
        ),
        reads=(("SELECT id, email FROM users ORDER BY id", "SELECT id, email FROM users ORDER BY id"),),
        checks={State.CONTRACTED: (("SELECT count(*) FROM users WHERE id BETWEEN 1 AND 200", [(200,)]),)},
    ),
)
