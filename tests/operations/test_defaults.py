"""Defaults while both names are served: what a writer says is kept, whoever writes and whatever the default is."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from psycopg import sql

from crossfade.operations.step import Phase
from crossfade.operations.sync.constants import is_constant
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.long import few_of

if TYPE_CHECKING:
    from ..fixtures.database import Database

PLAN = parse_plan(
    "crossfade: 1\nname: defaults\nretain: 1h\nchanges: [{rename_column: {table: t, from: old, to: new}}]\n", "p.yaml"
)


@pytest.mark.parametrize(
    ("expression", "constant"),
    [
        ("'x'::text", True),
        ("'-1'::integer", True),
        ("1", True),
        ("1.5", True),
        ("true", True),
        ("NULL::text", True),
        ("'{}'::jsonb", True),
        ("ARRAY['a'::text, 'b'::text]", True),
        ("'a'::character varying(20)", True),
        ("'x'::text COLLATE \"C\"", True),
        ("'2020-01-01'::date", True),
        ("CURRENT_USER", False),
        ("CURRENT_TIMESTAMP", False),
        ("now()", False),
        ("nextval('s'::regclass)", False),
        ("lower('A'::text)", False),
        ("('a'::text || 'b'::text)", False),
        ("public.tenant()", False),
        ("(SELECT 1)", False),
    ],
)
def test_a_constant_is_made_of_literals_only(expression: str, constant: bool) -> None:
    assert is_constant(expression) is constant


@pytest.fixture
def writer(database: Database, column: LiteralString) -> psycopg.Connection[tuple[object, ...]]:
    """A role with rights of its own, on a table whose rename is backfilled."""
    database.execute(
        "CREATE ROLE defaults_writer LOGIN; CREATE FUNCTION tenant() RETURNS text STABLE LANGUAGE sql"
        " AS 'SELECT current_user::text'"
    )
    database.execute(sql.SQL("CREATE TABLE t (id int PRIMARY KEY, old {})").format(sql.SQL(column)))
    database.execute("GRANT ALL ON t TO defaults_writer")
    with Engine(database.url) as engine:
        engine.advance(PLAN, to=State.BACKFILLED)
    return database.connect(user="defaults_writer", autocommit=True)


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize(
    "column",
    few_of(
        (
            "text NOT NULL DEFAULT current_user",
            "text DEFAULT current_user",
            "text NOT NULL DEFAULT tenant()",
            "text NOT NULL DEFAULT now()::text",
            "text NOT NULL DEFAULT 'd'",
            "text DEFAULT 'd'",
            "text",
        ),
        {"text NOT NULL DEFAULT tenant()", "text DEFAULT 'd'"},
    ),
)
def test_what_a_writer_says_is_kept_on_both_sides(
    database: Database, writer: psycopg.Connection[tuple[object, ...]], column: str
) -> None:
    writer.execute("INSERT INTO t (id, old) VALUES (1, 'by the old name')")
    writer.execute("INSERT INTO t (id, new) VALUES (2, 'by the new name')")
    writer.execute("INSERT INTO t (id, new) VALUES (3, 'd')")
    assert database.execute("SELECT old, new FROM t ORDER BY id") == [
        ("by the old name", "by the old name"),
        ("by the new name", "by the new name"),
        ("d", "d"),
    ]
    [(left_out,)] = writer.execute("INSERT INTO t (id) VALUES (4) RETURNING old").fetchall()
    assert database.execute("SELECT old, new FROM t WHERE id = 4") == [(left_out, left_out)]
    with Engine(database.url) as engine:
        engine.approve("defaults", Phase.CONTRACT, "alice")
        assert engine.contract("defaults").state is State.RETAINED
        writer.execute("INSERT INTO t (id, new) VALUES (5, 'in retained')")
        assert engine.revert("defaults").state is State.BACKFILLED
    assert database.execute("SELECT old, new FROM t WHERE id = 5") == [("in retained", "in retained")]


@pytest.mark.parametrize("column", ["text NOT NULL DEFAULT 'first'"])
def test_a_default_that_is_changed_meanwhile_takes_nothing_from_a_writer(
    database: Database, writer: psycopg.Connection[tuple[object, ...]], column: str
) -> None:
    database.execute("ALTER TABLE t ALTER old SET DEFAULT 'second'")
    writer.execute("INSERT INTO t (id, new) VALUES (1, 'first')")
    writer.execute("INSERT INTO t (id) VALUES (2)")
    assert database.execute("SELECT old, new FROM t ORDER BY id") == [("first", "first"), ("second", "second")]


CONVERTED = ("numeric(4, 2) DEFAULT 0", "char(4) DEFAULT '0'")


@pytest.mark.long
@pytest.mark.every_server
@pytest.mark.parametrize("column", few_of(CONVERTED, CONVERTED[:1]))
def test_a_value_is_compared_with_what_the_column_makes_of_its_default(
    database: Database, writer: psycopg.Connection[tuple[object, ...]], column: str
) -> None:
    """PostgreSQL deparses it without the conversions that are made of themselves."""
    writer.execute("INSERT INTO t (id, old) VALUES (1, '5')")
    writer.execute("INSERT INTO t (id, new) VALUES (2, '6')")
    writer.execute("INSERT INTO t (id) VALUES (3)")
    assert database.execute("SELECT old = new, old::int FROM t ORDER BY id") == [(True, 5), (True, 6), (True, 0)]
    assert database.execute("SELECT kind FROM crossfade.legacy_writes") == [("legacy",)]


@pytest.mark.parametrize("column", ["text DEFAULT 'd'"])
def test_null_on_purpose_is_kept_where_the_default_is_a_constant(
    database: Database, writer: psycopg.Connection[tuple[object, ...]], column: str
) -> None:
    writer.execute("INSERT INTO t (id, old) VALUES (1, NULL)")
    writer.execute("INSERT INTO t (id, new) VALUES (2, NULL)")
    assert database.execute("SELECT old, new FROM t ORDER BY id") == [(None, None), (None, None)]
