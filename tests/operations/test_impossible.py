"""What PostgreSQL refuses whatever the rows are: too many columns, other rows while a column holds the row's type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.plan.load import parse_plan
from crossfade.postgres.catalog import Catalog, Column, QualifiedName, Table
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.forecast import Schema
from crossfade.workflow.program import compile_plan

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database
    from ..fixtures.servers import Server


def plan_of(*changes: str) -> Plan:
    entries = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: it\nhold: 0s\nchanges:\n{entries}", "it.yaml")


def wide(attributes: int, columns: int = 3) -> Catalog:
    """A table that has had this many columns, of which the last are still there."""
    numbers = range(attributes - columns + 1, attributes + 1)
    live = (Column(name=f"c{n}", number=number, type="text") for n, number in enumerate(numbers))
    name = QualifiedName("public", "t")
    table = Table(name=name, oid=1, columns=tuple(live), attribute_count=attributes)
    return Catalog(server_version=180000, tables=(table,), all_table_names=(name,), relation_names=frozenset({name}))


def against(catalog: Catalog, *changes: str) -> list[Refusal]:
    return [r for r in compile_plan(plan_of(*changes), catalog).refusals if r.code == "too_many_columns"]


RENAMES = [f"rename_column: {{table: t, from: c{n}, to: d{n}}}" for n in range(3)]


@pytest.mark.parametrize(("attributes", "changes"), [(1599, 1), (1598, 2), (1597, 3)])
def test_every_change_of_a_plan_needs_room_beside_the_others(attributes: int, changes: int) -> None:
    assert against(wide(attributes), *RENAMES[:changes]) == []
    (refusal,) = against(wide(attributes + 1), *RENAMES[:changes])
    assert refusal.object == "public.t"
    assert f"{attributes - 2} that were dropped" in refusal.message
    assert f"the plan adds {changes}, " in refusal.message
    assert "VACUUM FULL keeps them" in refusal.instead


def test_where_no_column_was_dropped_nothing_is_said_of_such() -> None:
    (refusal,) = against(wide(1600, 1600), RENAMES[0])
    assert refusal.message == "it has 1600 columns; the plan adds 1, and PostgreSQL has room for 1,600."
    assert refusal.instead == "Move some of its columns to a table of their own."


def test_a_view_that_shows_both_names_has_no_more_room_and_knows_of_no_dropped_column() -> None:
    by_alias = RENAMES[0].replace("}", ", strategy: alias}")
    assert against(wide(1600, 1599), by_alias) == []
    assert len(against(wide(1600, 1600), by_alias)) == 1


def test_a_new_table_has_no_more_room_either() -> None:
    columns = ", ".join(f"c{n}: {{type: int}}" for n in range(1601))
    (refusal,) = against(wide(3), f"create_table: {{name: public.n, columns: {{{columns}}}}}")
    assert (refusal.object, refusal.message) == (
        "public.n",
        "it has 0 columns; the plan adds 1601, and PostgreSQL has room for 1,600.",
    )


@pytest.mark.long
def test_columns_that_were_dropped_are_read_and_what_is_tried_does_not_fail_for_them(database: Database) -> None:
    many = ", ".join(f"c{n} int" for n in range(1598))
    database.execute(f"CREATE TABLE t (id int PRIMARY KEY, v int, {many}); CREATE TABLE p (a int, b int, c int)")
    database.execute("ALTER TABLE p DROP b, DROP c")
    with psycopg.connect(database.url, autocommit=True) as connection:
        t, p = (read_catalog(connection, [(None, name)]).tables[0] for name in ("t", "p"))
    assert (t.attribute_count, t.last_number, p.attribute_count, p.last_number) == (1600, 1600, 3, 3)
    with Engine(database.url) as engine:
        change = engine.check(
            plan_of("change_type: {table: t, column: v, to: text, using: 'v::text', reverse: 'v::int'}")
        )
        fill = engine.check(plan_of("set_not_null: {table: t, column: v, fill: '1'}"))
    assert [r.code for r in change.refusals] == ["too_many_columns"]
    assert fill.refusals == ()


TABLE = """
CREATE DOMAIN plain AS int; CREATE DOMAIN given AS int DEFAULT 3; CREATE DOMAIN checked AS int CHECK (VALUE > 0);
CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL, s varchar(10), g int GENERATED ALWAYS AS (id + 1) STORED);
INSERT INTO t VALUES (1, 1, 'a');
"""
ALTERED = (
    "ADD c int",
    "ADD c int DEFAULT 1",
    "ADD c int DEFAULT NULL",
    "ADD c int NOT NULL DEFAULT 1",
    "ADD c int CHECK (c > 0)",
    "ADD c int UNIQUE",
    "ADD c serial",
    "ADD c int GENERATED ALWAYS AS IDENTITY",
    "ADD c int GENERATED ALWAYS AS (v + 1) STORED",
    "ADD c plain",
    "ADD c given",
    "ADD c checked",
    "ALTER v DROP NOT NULL",
    "ALTER s SET NOT NULL",
    "ALTER s TYPE varchar(20)",
    "ALTER v TYPE bigint",
    "ALTER s SET DEFAULT 'x'",
    "ALTER g DROP EXPRESSION",
    "ADD CHECK (v > 0)",
    "DROP v",
    "RENAME v TO w",
    "SET UNLOGGED",
    "SET ACCESS METHOD heap",
    "DROP v, ADD w int DEFAULT 1",
)
FROM_18 = ("ADD c int GENERATED ALWAYS AS (v + 1) VIRTUAL", "ALTER g SET EXPRESSION AS (id + 2)")


@pytest.mark.every_server
def test_what_a_column_of_the_rows_type_holds_up_is_foreseen(database: Database, server: Server) -> None:
    database.execute(f"{TABLE} CREATE TABLE u (x t)")
    with psycopg.connect(database.url, autocommit=True) as connection:
        schema = Schema.of(read_catalog(connection, [(None, "t")]))
        for action in (*ALTERED, *(FROM_18 if server.major >= 18 else ())):
            statement = f"ALTER TABLE t {action}"
            with connection.transaction(force_rollback=True):
                try:
                    connection.execute(statement.encode())
                except psycopg.errors.FeatureNotSupported as error:
                    refused = "uses its row type" in str(error)
                else:
                    refused = False
            assert bool(schema.foresee(statement)[0].held) is refused, action


HOLDERS = {
    "a": "CREATE TABLE u (x public.t)",
    "b": "CREATE TABLE u (x public.t[])",
    "c": 'CREATE DOMAIN d AS public.t[]; CREATE TABLE "U" (x d)',
    "d": "CREATE TYPE c AS (a public.t); CREATE TYPE cc AS (a c[]); CREATE TABLE u (x cc)",
    "e": "CREATE TYPE r AS RANGE (subtype = public.t); CREATE TABLE u (x r)",
    "f": "CREATE TYPE r AS RANGE (subtype = public.t); CREATE TABLE u (x r_multirange)",
    "g": "CREATE MATERIALIZED VIEW u AS SELECT t AS x FROM public.t",
    "h": "CREATE TABLE u (x public.t, n int) PARTITION BY LIST (n)",
}
NO_HOLDERS = {
    "p": "CREATE VIEW u AS SELECT t AS x FROM public.t",
    "q": "CREATE TYPE c AS (a public.t)",
    "r": "CREATE FUNCTION f(public.t) RETURNS public.t LANGUAGE sql AS 'SELECT $1'",
    "s": "CREATE TABLE u (x public.t); ALTER TABLE u DROP x",
    "t": "CREATE TABLE u (LIKE public.t)",
}


@pytest.mark.every_server
def test_whatever_holds_the_rows_type_is_found(database: Database) -> None:
    database.execute(TABLE)
    for schema, holder in (HOLDERS | NO_HOLDERS).items():
        database.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}; {holder}")
    with psycopg.connect(database.url, autocommit=True) as connection:
        (table,) = read_catalog(connection, [("public", "t")]).tables
    assert table.row_type_columns == tuple(f'{s}."U".x' if s == "c" else f"{s}.u.x" for s in HOLDERS)


def test_a_change_that_is_held_up_is_refused_with_the_columns_that_hold_it(database: Database) -> None:
    database.execute(f"{TABLE} CREATE TABLE u (x t, y t[])")
    add = "add_column: {{table: t, name: c, type: int, {}}}"
    with Engine(database.url) as engine:
        (refusal,) = engine.check(plan_of(add.format("default: '1'"))).refusals
        let_pass = [
            engine.check(plan_of(change)).refusals
            for change in (add.format("nullable: true"), add.format("default: '1', fill: '2'"))
        ]
    assert (refusal.code, refusal.object) == ("row_type_in_use", "public.t")
    assert "public.u.x, public.u.y" in refusal.message
    assert let_pass == [()] * 2


REPLACING = (
    "change_type: {table: t, column: s, to: varchar(20)}",
    "change_type: {table: t, column: s, to: text, into: c, using: upper(s), reverse: c}",
    "remove_enum_values: {type: mood, map: {sad: happy}}",
    "split_column: {table: t, from: s, into: {c: {type: text, using: s}}, reverse: c}",
    "merge_columns: {table: t, from: [s], into: c, type: text, using: s, reverse: {s: c}}",
)


@pytest.mark.long
def test_values_of_the_rows_type_do_not_lose_a_column_to_another_that_takes_its_place(database: Database) -> None:
    database.execute(f"{TABLE} CREATE TYPE mood AS ENUM ('sad', 'happy'); ALTER TABLE t ADD m mood")
    database.execute("CREATE TABLE u (x t, y t[])")
    with Engine(database.url) as engine:
        for change in REPLACING:
            (refusal,) = engine.check(plan_of(change)).refusals
            assert (refusal.code, refusal.object) == ("row_type_in_use", "public.t"), change
            assert "public.u.x, public.u.y" in refusal.message
        assert not engine.check(plan_of("rename_column: {table: t, from: s, to: c}")).refusals
        assert not engine.check(plan_of("drop_column: {table: t, column: s}")).refusals
