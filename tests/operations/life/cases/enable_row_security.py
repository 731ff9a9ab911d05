"""Policies from contract on, and none of them before it or after a revert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.workflow.states import State

from ..case import Case

if TYPE_CHECKING:
    from ....fixtures.database import Database
    from ..case import Check


def seen_by_the_reader(number: int) -> Check:
    def check(database: Database) -> None:
        with database.connect() as connection:
            connection.execute("SET ROLE life_reader")
            assert connection.execute("SELECT count(*) FROM users WHERE id <= 200").fetchone() == (number,)

    return check


CASES = (
    Case(
        id="two policies for one role",
        roles=("life_reader",),
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, tenant int NOT NULL);
        INSERT INTO users SELECT g, g % 4 FROM generate_series(1, 200) g;
        CREATE FUNCTION mine(tenant int) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT tenant < 2';
        GRANT ALL ON users TO life_reader;
        """,
        changes="""
        - enable_row_security:
            table: users
            policies:
              - {name: own_rows, to: [life_reader], using: mine(tenant), check: tenant > 0}
              - {name: not_the_first, restrictive: true, for: select, using: tenant <> 0}
        """,
        plain="""
        CREATE POLICY own_rows ON users TO life_reader USING (mine(tenant)) WITH CHECK (tenant > 0);
        CREATE POLICY not_the_first ON users AS RESTRICTIVE FOR SELECT USING (tenant <> 0);
        ALTER TABLE users ENABLE ROW LEVEL SECURITY;
        """,
        old_writes=("INSERT INTO users VALUES (%(n)s, 1)", "UPDATE users SET tenant = 2 WHERE id = %(n)s"),
        new_writes=("INSERT INTO users VALUES (%(n)s, 1)", "UPDATE users SET tenant = 3 WHERE id = %(n)s"),
        reads=(("SELECT * FROM users ORDER BY id", "SELECT * FROM users ORDER BY id"),),
        checks={
            State.EXPANDED: (seen_by_the_reader(200),),
            State.BACKFILLED: (seen_by_the_reader(200),),
            State.RETAINED: (seen_by_the_reader(50),),
            State.CONTRACTED: (seen_by_the_reader(50),),
        },
    ),
)
