"""A table gets another name: one with everything on it, and one that the plan changes besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.workflow.states import State

from ..case import Case

if TYPE_CHECKING:
    from crossfade import Engine
    from crossfade.workflow.results import Status

    from ....fixtures.database import Database

_KIND = "SELECT relname, relkind FROM pg_class WHERE relname IN ('users', 'accounts') ORDER BY 1"


def row_security_is_the_readers(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("SET ROLE life_reader")
        assert connection.execute("SELECT count(number) FROM accounts").fetchone() == (10,)


def discarding(engine: Engine, run: str) -> Status:
    return engine.rollback(run, discard=True)


CASES = (
    Case(
        id="a table with all that can hang on it",
        roles=("life_reader", "life_writer"),
        setup="""
        CREATE TYPE mood AS ENUM ('glad', 'sad');
        CREATE TABLE users (
            id bigint GENERATED ALWAYS AS IDENTITY (START 100000) PRIMARY KEY, number int NOT NULL UNIQUE,
            email text NOT NULL DEFAULT 'nobody', upper text GENERATED ALWAYS AS (upper(email)) STORED,
            mood mood DEFAULT 'glad', at serial, tenant int NOT NULL DEFAULT 1, CHECK (email <> ''));
        COMMENT ON TABLE users IS 'who uses it';
        CREATE INDEX users_lower ON users (lower(email));
        CREATE TABLE posts (author int REFERENCES users (number) ON DELETE CASCADE, title text);
        INSERT INTO users (number, email) SELECT g, 'e' || g FROM generate_series(1, 200) g;
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            NEW.tenant := coalesce(NEW.tenant, 1); RETURN NEW; END $$;
        CREATE TRIGGER noting BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
        CREATE VIEW glad AS SELECT id, email FROM users WHERE mood = 'glad';
        CREATE STATISTICS both_of_them ON email, tenant FROM users;
        ALTER TABLE users ENABLE ROW LEVEL SECURITY;
        CREATE POLICY first_ten ON users FOR SELECT TO life_reader USING (number <= 10);
        CREATE POLICY all_rows ON users TO life_writer USING (true);
        GRANT SELECT, UPDATE (email) ON users TO life_reader;
        GRANT SELECT, INSERT, UPDATE, DELETE ON users TO life_writer;
        """,
        oldest=15,
        changes="- rename_table: {from: users, to: accounts}",
        plain="ALTER TABLE users RENAME TO accounts",
        old_writes=(
            "INSERT INTO users (number, email) VALUES (%(n)s, 'old') RETURNING id",
            "UPDATE users SET email = 'old' || %(n)s WHERE number = %(n)s %% 200 + 1",
            "INSERT INTO users (number) VALUES (%(n)s) ON CONFLICT (number) DO UPDATE SET email = 'again'",
            "INSERT INTO posts VALUES (%(n)s, 'old')",
            "SELECT * FROM users WHERE number = %(n)s FOR UPDATE",
            "DELETE FROM users WHERE number = %(n)s",
        ),
        new_writes=(
            "INSERT INTO accounts (number, email) VALUES (%(n)s, 'new') RETURNING id",
            "UPDATE accounts SET email = 'new' || %(n)s WHERE number = %(n)s %% 200 + 1",
            "INSERT INTO accounts (number) VALUES (%(n)s) ON CONFLICT (number) DO UPDATE SET email = excluded.email",
            "INSERT INTO posts VALUES (%(n)s, 'new')",
            "SELECT * FROM accounts WHERE number = %(n)s FOR UPDATE",
            "UPDATE accounts a SET mood = 'sad' FROM posts p WHERE a.number = p.author AND p.author = %(n)s",
        ),
        reads=(("SELECT * FROM users ORDER BY id", "SELECT * FROM accounts ORDER BY id"),),
        checks={
            State.EXPANDED: (
                (_KIND, [("accounts", "v"), ("users", "r")]),
                ("SELECT has_column_privilege('life_reader', 'accounts', 'email', 'UPDATE')", [(True,)]),
                ("SELECT has_table_privilege('life_reader', 'accounts', 'INSERT')", [(False,)]),
                ("SELECT has_table_privilege('life_writer', 'accounts', 'DELETE')", [(True,)]),
                row_security_is_the_readers,
            ),
            State.RETAINED: ((_KIND, [("accounts", "r"), ("users", "v")]),),
            State.CONTRACTED: ((_KIND, [("accounts", "r")]),),
        },
    ),
    Case(
        id="a partitioned table that gets a column and an index under its new name",
        setup="""
        CREATE TABLE users (id int, region text, email text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
        CREATE TABLE users_eu PARTITION OF users FOR VALUES IN ('eu');
        CREATE TABLE users_rest PARTITION OF users DEFAULT;
        INSERT INTO users SELECT g, (ARRAY['eu', 'us'])[g % 2 + 1], 'e' || g FROM generate_series(1, 200) g;
        """,
        changes="""
        - rename_table: {from: users, to: accounts}
        - add_column: {table: accounts, name: nickname, type: text, fill: "'nick of ' || email"}
        - create_index: {name: accounts_email, table: accounts, columns: [email]}
        """,
        plain="""
        ALTER TABLE users RENAME TO accounts;
        ALTER TABLE accounts ADD COLUMN nickname text;
        UPDATE accounts SET nickname = 'nick of ' || email;
        CREATE INDEX accounts_email ON accounts (email);
        """,
        old_writes=(
            "INSERT INTO users VALUES (%(n)s, 'us', 'old')",
            "UPDATE users SET region = 'eu' WHERE id = %(n)s",
        ),
        new_writes=(
            "INSERT INTO accounts (id, region, email, nickname) VALUES (%(n)s, 'us', 'new', 'mine')",
            "UPDATE accounts SET nickname = 'other' WHERE id = %(n)s",
            "SELECT nickname FROM accounts WHERE id = %(n)s",
        ),
        rolls_back=discarding,
        reads=(
            ("SELECT id, region, email FROM users ORDER BY id", "SELECT id, region, email FROM accounts ORDER BY id"),
        ),
    ),
)
