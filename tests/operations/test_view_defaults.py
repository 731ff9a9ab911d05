"""`SET column = DEFAULT` through a view that stands for a table gives what the table would, as does an INSERT."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from ..fixtures.database import Database

TABLE: LiteralString = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE FUNCTION seven() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 7';
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text DEFAULT 'a', n int DEFAULT seven(),
                mood mood DEFAULT 'glad', at serial, d int GENERATED ALWAYS AS (n + 1) STORED, bare int);
GRANT SELECT, INSERT, UPDATE ON t TO PUBLIC; GRANT USAGE ON SEQUENCE t_at_seq, t_id_seq TO PUBLIC;
INSERT INTO t (n, mood, at, bare) VALUES (1, 'sad', 100, 1)
"""


@pytest.mark.every_server
@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("rename_column: {table: t, from: a, to: b, strategy: alias}", "t"),
        ("rename_table: {from: t, to: u}", "u"),
    ],
    ids=["alias", "rename_table"],
)
def test_a_default_through_the_view_is_the_tables(database: Database, change: str, name: LiteralString) -> None:
    database.execute(TABLE)
    before = database.dump()
    plan = parse_plan(f"crossfade: 1\nname: defaults\nchanges:\n  - {change}\n", "p.yaml")
    view = sql.Identifier(name)
    with Engine(database.url) as engine:
        assert engine.advance(plan, to=State.BACKFILLED).state is State.BACKFILLED
        with database.connect(autocommit=True) as connection:
            connection.execute("SET ROLE pg_monitor")
            connection.execute(
                sql.SQL("UPDATE {} SET n = DEFAULT, mood = DEFAULT, at = DEFAULT, bare = DEFAULT").format(view)
            )
            connection.execute(sql.SQL("INSERT INTO {} DEFAULT VALUES").format(view))
            connection.execute(sql.SQL("INSERT INTO {} (a, n, mood) VALUES ('x', DEFAULT, 'sad')").format(view))
            rows = connection.execute(sql.SQL("SELECT a, n, mood, at, d, bare FROM {} ORDER BY id").format(view))
            assert rows.fetchall() == [
                ("a", 7, "glad", 1, 8, None),
                ("a", 7, "glad", 2, 8, None),
                ("x", 7, "sad", 3, 8, None),
            ]
        assert engine.rollback(plan.name).state is State.ROLLED_BACK
    assert database.dump() == before
