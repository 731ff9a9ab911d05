"""New columns: in place; filled by `fill` with all that constrains it; by a volatile default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.workflow.states import State

from ..case import Case

if TYPE_CHECKING:
    from crossfade import Engine
    from crossfade.workflow.results import Status

_USERS = """
    CREATE TABLE plans (name text PRIMARY KEY);
    INSERT INTO plans VALUES ('free'), ('paid');
    CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL);
    INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 200) g;
    INSERT INTO users SELECT -g, 'kept' || g FROM generate_series(1, 50) g;
"""
_OLD = (
    "INSERT INTO users VALUES (%(n)s, 'old' || %(n)s)",
    "UPDATE users SET email = 'o' || %(n)s WHERE id = %(n)s %% 200 + 1",
    "SELECT id, email FROM users WHERE id = %(n)s",
)


def discarding(engine: Engine, run: str) -> Status:
    """The new version has written values that have no place before."""
    return engine.rollback(run, discard=True)


CASES = (
    Case(
        id="in place, with a default, a check and a comment",
        setup=_USERS,
        changes="""
        - add_column: {table: users, name: plan, type: text, nullable: false, default: "'free'",
            check: "plan <> ''", comment: which plan, collation: C}
        - add_column: {table: users, name: plan_before, type: text, references: {table: plans, on_delete: set null}}
        """,
        plain="""
        ALTER TABLE users ADD plan text COLLATE "C" NOT NULL DEFAULT 'free' CHECK (plan <> '');
        ALTER TABLE users ADD plan_before text REFERENCES plans ON DELETE SET NULL;
        COMMENT ON COLUMN users.plan IS 'which plan';
        """,
        old_writes=_OLD,
        new_writes=(
            "INSERT INTO users VALUES (%(n)s, 'new', 'paid', 'free')",
            "UPDATE users SET plan = 'paid' WHERE id = %(n)s",
        ),
        turns_back=frozenset(),
        untouched=("SELECT id, plan FROM users WHERE id < 0 ORDER BY id",),
    ),
    Case(
        id="filled from the row, NOT NULL, unique, checked, with a default for later",
        setup=_USERS,
        changes="""
        - add_column: {table: users, name: login, type: text, nullable: false, fill: "email || '/' || id",
            default: "md5('x')", unique: true, check: "login <> email"}
        """,
        plain="""
        ALTER TABLE users ADD login text;
        UPDATE users SET login = email || '/' || id;
        ALTER TABLE users ALTER login SET NOT NULL, ALTER login SET DEFAULT md5('x'), ADD UNIQUE (login),
            ADD CHECK (login <> email);
        """,
        old_writes=_OLD,
        new_writes=(
            "INSERT INTO users VALUES (%(n)s, 'new' || %(n)s, 'l' || %(n)s)",
            "UPDATE users SET login = 'm' || %(n)s WHERE id = %(n)s",
        ),
        rolls_back=discarding,
        untouched=("SELECT id, login FROM users WHERE id < 0 ORDER BY id",),
        checks={State.BACKFILLED: (("SELECT count(*) FROM users WHERE login IS NULL", [(0,)]),)},
    ),
    Case(
        id="a volatile default, in batches",
        setup=_USERS,
        changes="""
        - add_column: {table: users, name: token, type: uuid, nullable: false, default: gen_random_uuid(), unique: true}
        """,
        plain="ALTER TABLE users ADD token uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE",
        old_writes=_OLD,
        new_writes=(
            "INSERT INTO users (id, email) VALUES (%(n)s, 'new')",
            "UPDATE users SET token = gen_random_uuid() WHERE id = %(n)s",
        ),
        rolls_back=discarding,
        checks={State.BACKFILLED: (("SELECT count(*) FROM users WHERE token IS NULL", [(0,)]),)},
    ),
)
