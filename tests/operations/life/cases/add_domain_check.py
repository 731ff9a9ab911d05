"""A check of a domain that columns of two tables have, one of them through a domain over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.workflow.states import State

from ..case import Case
from ..violating import write_and_look

if TYPE_CHECKING:
    from ....fixtures.database import Database


def blocked(database: Database) -> None:
    """A value that the check would refuse is let in, and noted."""
    write_and_look(database, "INSERT INTO users VALUES (-1, 'NONE')", "email_is_small (email)", '{"id": -1}')
    database.execute("DELETE FROM users WHERE id = -1")


CASES = (
    Case(
        id="counted, and values repaired",
        setup="""
        CREATE DOMAIN email AS text CHECK (value <> '');
        CREATE DOMAIN work_email AS email;
        CREATE TABLE users (id int PRIMARY KEY, email email);
        CREATE TABLE staff (id int PRIMARY KEY, at_work work_email) PARTITION BY RANGE (id);
        CREATE TABLE staff_all PARTITION OF staff DEFAULT;
        INSERT INTO users SELECT g, CASE WHEN g % 10 = 0 THEN 'U' ELSE 'u' END || g FROM generate_series(1, 200) g;
        INSERT INTO staff VALUES (1, 'Ada'), (2, 'bob');
        """,
        changes="""
        - add_domain_check: {domain: email, name: email_is_small, expression: value = lower(value), fix: lower(value)}
        """,
        plain="""
        UPDATE users SET email = lower(email); UPDATE staff SET at_work = lower(at_work);
        ALTER DOMAIN email ADD CONSTRAINT email_is_small CHECK (value = lower(value));
        """,
        old_writes=(
            "INSERT INTO users VALUES (%(n)s, 'OLD')",
            "INSERT INTO staff VALUES (%(n)s, 'OLD')",
            "UPDATE users SET email = 'old' WHERE id = %(n)s",
            "UPDATE staff SET at_work = NULL WHERE id = %(n)s",
        ),
        new_writes=("INSERT INTO users VALUES (%(n)s, 'new')", "INSERT INTO staff VALUES (%(n)s, 'new')"),
        untouched=(
            "SELECT id, email FROM users WHERE id BETWEEN 1 AND 200 ORDER BY id",
            "SELECT id, at_work FROM staff WHERE id BETWEEN 1 AND 200 ORDER BY id",
        ),
        checks={State.BACKFILLED: (blocked,)},
    ),
)
