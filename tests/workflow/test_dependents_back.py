"""What others have built on, or renamed of, what a way back drops is told before the run turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.errors import BaselineChanged
from crossfade.workflow.states import State

from .test_before_turning import TABLES, TWIN, plan, refused, retain

if TYPE_CHECKING:
    from ..fixtures.database import Database

PARTED: LiteralString = """
CREATE TABLE p (id int PRIMARY KEY, qty int, CONSTRAINT big CHECK (qty > 0)) PARTITION BY LIST (id);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1)
"""
WAITS = "drop_constraint: {table: p, name: big}"
"""Something to do at contract, so that the run can be rolled back until then."""


def test_a_trigger_of_ours_by_another_name(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        assert engine.advance(plan(TWIN), to=State.EXPANDED).state is State.EXPANDED
        ((name,),) = database.execute("SELECT tgname FROM pg_trigger WHERE tgname ~ '^~crossfade_.*_insert$'")
        rename = sql.SQL("ALTER TRIGGER {} ON t RENAME TO {}")
        database.execute(rename.format(sql.Identifier(name), sql.Identifier("x")))
        refused(
            engine, BaselineChanged, f'^trigger x on table public.t depends on .*, as "{name}" of the run did: give'
        )
        database.execute(rename.format(sql.Identifier("x"), sql.Identifier(name)))
        assert engine.rollback("turns").state is State.ROLLED_BACK


def test_a_trigger_of_ours_on_a_copy_that_was_restored(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        assert engine.advance(plan(TWIN), to=State.EXPANDED).state is State.EXPANDED
        database.execute("CREATE TABLE copy (LIKE t)")
        for name, definition in database.execute(
            "SELECT tgname, replace(pg_get_triggerdef(oid), 'public.t ', 'copy ') FROM pg_trigger"
            " WHERE tgname ~ '^~crossfade_.*_insert$'"
        ):
            database.execute(sql.SQL(definition))
            refused(engine, BaselineChanged, f"^trigger {name} on table public.copy depends on function crossfade")
        database.execute("DROP TABLE copy")
        assert engine.rollback("turns").state is State.ROLLED_BACK


def test_a_function_of_ours_by_another_name(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        assert engine.advance(plan("set_not_null: {table: t, column: qty}"), to=State.EXPANDED).state is State.EXPANDED
        ((signature, name),) = database.execute(
            "SELECT oid::regprocedure::text, proname FROM pg_proc WHERE proname ~ '^crossfade_row_'"
        )
        database.execute(sql.SQL("ALTER FUNCTION {} RENAME TO x").format(sql.SQL(signature)))
        refused(
            engine,
            BaselineChanged,
            r"^function crossfade\.x\(public\.t\) depends on function crossfade\.crossfade_violated_",
        )
        database.execute(sql.SQL("ALTER FUNCTION crossfade.x RENAME TO {}").format(sql.Identifier(name)))
        assert engine.rollback("turns").state is State.ROLLED_BACK


@pytest.mark.long
def test_a_whole_index_by_another_name(database: Database) -> None:
    database.execute(PARTED)
    with Engine(database.url) as engine:
        asked = plan("create_index: {table: p, name: by_qty, columns: [qty]}", WAITS)
        assert engine.advance(asked, to=State.EXPANDED).state is State.EXPANDED
        database.execute("ALTER INDEX by_qty RENAME TO x")
        refused(engine, BaselineChanged, r"^index public\.x depends on index public\.p_1_qty_idx")
        database.execute("ALTER INDEX x RENAME TO by_qty")
        assert engine.rollback("turns").state is State.ROLLED_BACK


def test_a_foreign_key_of_others_over_a_unique_index_of_ours(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        asked = plan("create_index: {table: t, name: k, unique: true, columns: [qty]}", TWIN)
        assert engine.advance(asked, to=State.EXPANDED).state is State.EXPANDED
        database.execute("CREATE TABLE z (q int REFERENCES t (qty))")
        refused(engine, BaselineChanged, r"^constraint z_q_fkey on table public\.z depends on index public\.k")
        database.execute("DROP TABLE z")
        assert engine.rollback("turns").state is State.ROLLED_BACK


ADDS = """
CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC
    INSERT INTO n VALUES (1) ON CONFLICT ON CONSTRAINT key DO NOTHING;
END
"""


@pytest.mark.parametrize(
    ("change", "built", "named"),
    [
        (
            "add_primary_key: {table: n, columns: [id], name: key}",
            "CREATE VIEW v AS SELECT id, a FROM n GROUP BY id",
            r"^view public\.v depends on constraint key of public\.n",
        ),
        (
            "add_unique: {table: n, columns: [id], name: key}",
            ADDS,
            r"^function public\.f\(\) depends on constraint key of public\.n",
        ),
    ],
    ids=["view", "function"],
)
def test_what_others_have_built_on_a_constraint_of_ours(
    database: Database, change: str, built: LiteralString, named: str
) -> None:
    database.execute("CREATE TABLE n (id int, a int)")
    with Engine(database.url) as engine:
        retain(engine, change)
        database.execute(built)
        refused(engine, BaselineChanged, named)


@pytest.mark.long
def test_an_index_of_ours_by_another_name_of_which_a_key_is_made_again(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        retain(engine, "change_type: {table: r, column: id, to: bigint, follow_references: true}")
        ((name,),) = database.execute("SELECT relname::text FROM pg_class WHERE relname ~ '^crossfade_key_'")
        rename = sql.SQL("ALTER INDEX {} RENAME TO {}")
        database.execute(rename.format(sql.Identifier(name), sql.Identifier("x")))
        refused(engine, BaselineChanged, rf"^index public\.{name} is not there, of which constraint r_pkey is made")
        database.execute(rename.format(sql.Identifier("x"), sql.Identifier(name)))
        assert engine.revert("turns").state is State.BACKFILLED


@pytest.mark.long
@pytest.mark.parametrize(
    ("children", "mended"),
    [
        (
            "PARTITION BY LIST (id); CREATE TABLE c PARTITION OF n DEFAULT",
            "ALTER TABLE c RENAME CONSTRAINT given TO other",
        ),
        ("; CREATE TABLE c () INHERITS (n)", "ALTER TABLE c ADD CONSTRAINT mine NOT NULL a"),
    ],
    ids=["partition", "child"],
)
def test_the_name_of_a_not_null_that_others_have_taken_on_a_child(
    database: Database, children: LiteralString, mended: LiteralString
) -> None:
    if database.server.major < 18:
        pytest.skip("NOT NULL has a name from PostgreSQL 18")
    database.execute("CREATE TABLE n (id int, a int CONSTRAINT given NOT NULL) " + children)
    with Engine(database.url) as engine:
        retain(engine, "drop_not_null: {table: n, column: a}")
        database.execute("ALTER TABLE c ADD CONSTRAINT given CHECK (id > 0)")
        refused(engine, BaselineChanged, r"there is a constraint given of public\.c already, which is no NOT NULL")
        database.execute(mended)
        assert engine.revert("turns").state is State.BACKFILLED


@pytest.mark.long
def test_what_the_run_itself_has_made_of_its_type_goes_with_it(database: Database) -> None:
    """A table that is dropped before the type takes along what depends on that."""
    before = database.dump()
    colour = "create_enum: {name: colour, values: [red, green]}"
    columns = "id: {type: int}, c: {type: colour, default: \"'red'\", check: c <> 'green'}, more: {type: 'colour[]'}"
    table = f"create_table: {{name: made, columns: {{{columns}}}, primary_key: [id]}}"
    with Engine(database.url) as engine:
        waits = "sql: {contract: [SELECT 1], irreversible: true, reason: x}"
        assert engine.advance(plan(colour, table, waits), to=State.EXPANDED).state is State.EXPANDED
        database.execute("CREATE TABLE z (c colour)")
        refused(engine, BaselineChanged, r"^column c of table public\.z depends on type public\.colour")
        database.execute("DROP TABLE z")
        assert engine.rollback("turns").state is State.ROLLED_BACK
    assert database.dump() == before
