"""Where our role cannot look for rows that a way back would stop at, that is told before the run turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossfade import Engine
from crossfade.errors import BaselineChanged
from crossfade.workflow.states import State

from ..operations.written_past import write_past
from .test_before_turning import refused, retain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.database import Database

TABLE: LiteralString = """
CREATE TABLE t (
    id int PRIMARY KEY, qty int, n int NOT NULL, u int, CONSTRAINT positive CHECK (qty > 0), CONSTRAINT once UNIQUE (u)
);
INSERT INTO t VALUES (1, 1, 1, 1), (2, 2, 2, 2);
CREATE POLICY first_only ON t USING (id < 2)
"""
SHOW_ALL: LiteralString = "ALTER TABLE t NO FORCE ROW LEVEL SECURITY"


@pytest.fixture
def owner(database: Database) -> Iterator[str]:
    """The URL of a role that is no superuser and owns the table; it may connect, and all that comes with that."""
    role = sql.Identifier(f"{database.name}_owner")
    database.execute(
        sql.SQL(
            "CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role}; GRANT CREATE ON DATABASE {here} TO {role}"
        ).format(role=role, here=sql.Identifier(database.name))
    )
    database.execute(TABLE)
    database.execute(sql.SQL("ALTER TABLE t OWNER TO {}").format(role))
    yield make_conninfo(database.url, user=f"{database.name}_owner")
    database.execute(sql.SQL("DROP OWNED BY {} CASCADE; DROP ROLE {}").format(role, role))


@pytest.mark.long
def test_rows_that_row_security_hides_are_not_passed_over(database: Database, owner: str) -> None:
    drops = (
        "drop_constraint: {table: t, name: positive}",
        "drop_constraint: {table: t, name: once}",
        "drop_not_null: {table: t, column: n}",
    )
    with Engine(owner) as engine:
        retain(engine, *drops)
        database.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        hides = "row security hides rows of public.t from role"
        refused(
            engine,
            BaselineChanged,
            f"{hides} .* what constraint positive refuses, which comes back, cannot be looked for: .*NO FORCE",
            f"{hides} .* what index once refuses, which comes back, ",
            f"{hides} .* NULL in n, which is NOT NULL again then, ",
        )
        database.execute(SHOW_ALL)
        assert engine.revert("turns").state is State.BACKFILLED


def test_rows_referred_to_that_row_security_hides_are_taken_to_be_there(database: Database, owner: str) -> None:
    role = sql.Identifier(f"{database.name}_owner")
    database.execute("CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r VALUES (1), (2)")
    database.execute(sql.SQL("GRANT SELECT, REFERENCES ON r TO {}").format(role))
    database.execute("ALTER TABLE t ADD CONSTRAINT to_r FOREIGN KEY (u) REFERENCES r")
    with Engine(owner) as engine:
        retain(engine, "drop_constraint: {table: t, name: to_r}")
        database.execute("ALTER TABLE r ENABLE ROW LEVEL SECURITY; CREATE POLICY first_only ON r USING (id < 2)")
        assert engine.revert("turns").state is State.BACKFILLED
    assert database.execute("SELECT convalidated FROM pg_constraint WHERE conname = 'to_r'") == [(True,)]


@pytest.mark.long
def test_hidden_columns_are_compared_in_every_row_or_nothing_turns(database: Database, owner: str) -> None:
    with Engine(owner) as engine:
        retain(engine, "change_type: {table: t, column: n, to: bigint}")
        write_past(database, "t", "UPDATE t SET n = 1")
        database.execute("ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        refused(engine, BaselineChanged, r"rows of public\.t cannot be compared \(.*row-level security")


def test_a_unique_index_is_not_taken_for_granted_where_no_copy_can_be_made(database: Database, owner: str) -> None:
    with Engine(owner) as engine:
        retain(engine, "drop_constraint: {table: t, name: once}")
        here = sql.Identifier(database.name)
        database.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(here))
        refused(engine, BaselineChanged, r"may make no temporary table to try index once of public\.t in .*GRANT")
        database.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO PUBLIC").format(here))
        assert engine.revert("turns").state is State.BACKFILLED
