"""NOT NULL: filled by a constant from expand on, and counted where the plan fills nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.workflow.states import State

from ..case import Case
from ..violating import write_and_look

if TYPE_CHECKING:
    from ....fixtures.database import Database

_USERS = """
    CREATE TABLE users (id int PRIMARY KEY, name text, country text) PARTITION BY RANGE (id);
    CREATE TABLE users_low PARTITION OF users FOR VALUES FROM (MINVALUE) TO (100);
    CREATE TABLE users_high PARTITION OF users FOR VALUES FROM (100) TO (MAXVALUE);
    INSERT INTO users SELECT g, 'n' || g, CASE WHEN g % 3 = 0 THEN 'de' END FROM generate_series(1, 200) g;
"""


def blocked(database: Database) -> None:
    """A NULL that is written is let in and noted."""
    write_and_look(database, "INSERT INTO users VALUES (-1)", "NOT NULL of name", '{"id": -1}')
    database.execute("DELETE FROM users WHERE id = -1")


CASES = (
    Case(
        id="filled by a constant, with partitions",
        setup=_USERS,
        changes="- set_not_null: {table: users, column: country, fill: \"'unknown'\"}",
        plain="""
        UPDATE users SET country = 'unknown' WHERE country IS NULL;
        ALTER TABLE users ALTER country SET NOT NULL;
        """,
        old_writes=(
            "INSERT INTO users VALUES (%(n)s, 'old')",
            "UPDATE users SET country = NULL WHERE id = %(n)s %% 200 + 1 AND id %% 3 > 0 OR id = %(n)s",
            "INSERT INTO users VALUES (-%(n)s, 'old', NULL)",
        ),
        new_writes=(
            "INSERT INTO users VALUES (%(n)s, 'new', 'fr')",
            "UPDATE users SET country = 'it' WHERE id = %(n)s",
        ),
        untouched=("SELECT id, country FROM users WHERE id BETWEEN 1 AND 200 ORDER BY id",),
        checks={State.BACKFILLED: (("SELECT count(*) FROM users WHERE country IS NULL", [(0,)]),)},
    ),
    Case(
        id="counted",
        setup=_USERS,
        changes="- set_not_null: {table: users, column: name}",
        plain="ALTER TABLE users ALTER name SET NOT NULL",
        old_writes=(
            "INSERT INTO users VALUES (%(n)s)",
            "UPDATE users SET name = 'old' WHERE id = %(n)s",
        ),
        new_writes=("INSERT INTO users VALUES (%(n)s, 'new', 'fr')",),
        untouched=("SELECT id, name FROM users WHERE id BETWEEN 1 AND 200 ORDER BY id",),
        checks={State.BACKFILLED: (blocked,)},
    ),
)
