"""Dropped columns: one that old versions need a value in, and one with all that goes with it."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

CASES = (
    Case(
        id="NOT NULL without a default, under an index, a check and statistics",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, login text NOT NULL CHECK (login <> ''));
        CREATE INDEX users_login ON users (lower(login)) WHERE login <> 'x';
        CREATE STATISTICS users_both ON email, login FROM users;
        COMMENT ON COLUMN users.login IS 'by which they come in';
        INSERT INTO users SELECT g, 'e' || g, 'l' || g FROM generate_series(1, 200) g;
        """,
        changes="- drop_column: {table: users, column: login, reverse: \"split_part(email, '@', 1)\"}",
        plain="ALTER TABLE users DROP login",
        old_writes=(
            "INSERT INTO users VALUES (%(n)s, 'old' || %(n)s, 'l' || %(n)s)",
            "UPDATE users SET login = 'o' || %(n)s WHERE id = %(n)s %% 200 + 1",
            "SELECT id, length(login) FROM users WHERE id = %(n)s",
        ),
        new_writes=(
            "INSERT INTO users (id, email) VALUES (%(n)s, 'new@' || %(n)s)",
            "UPDATE users SET email = email || '!' WHERE id = %(n)s",
        ),
        reads=(("SELECT id, email FROM users ORDER BY id", "SELECT id, email FROM users ORDER BY id"),),
        checks={
            State.BACKFILLED: (
                ("SELECT count(*) FROM users WHERE email LIKE 'new@%' AND login IS DISTINCT FROM 'new'", [(0,)]),
            )
        },
    ),
    Case(
        id="a foreign key with a serial default, on a partitioned table",
        setup="""
        CREATE TABLE plans (id int PRIMARY KEY);
        INSERT INTO plans SELECT generate_series(0, 100000);
        CREATE TABLE users (id int, plan serial REFERENCES plans, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE users_low PARTITION OF users FOR VALUES FROM (MINVALUE) TO (100);
        CREATE TABLE users_rest PARTITION OF users DEFAULT;
        CREATE INDEX ON users (plan);
        INSERT INTO users SELECT generate_series(1, 200);
        """,
        changes="- drop_column: {table: users, column: plan}",
        plain="ALTER TABLE users DROP plan",
        old_writes=("INSERT INTO users VALUES (%(n)s, %(n)s %% 100)", "SELECT plan FROM users WHERE id = %(n)s"),
        new_writes=("INSERT INTO users (id) VALUES (%(n)s)", "DELETE FROM users WHERE id = %(n)s"),
    ),
)
