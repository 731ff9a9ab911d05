"""A NOT NULL that is NOT VALID, as from PostgreSQL 18 it may be, stays that, as with a plain ALTER."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

from crossfade import Engine
from crossfade.errors import PreflightRefused
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

ROWS: LiteralString = "INSERT INTO t VALUES (1, 1), (2, NULL)"
NOT_VALID: LiteralString = "ALTER TABLE t ADD CONSTRAINT given NOT NULL a NOT VALID"
TABLE: LiteralString = f"CREATE TABLE t (id int PRIMARY KEY, a int); {ROWS}; {NOT_VALID}"
PARTED: LiteralString = f"""
CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY LIST (id);
CREATE TABLE t_1 PARTITION OF t DEFAULT; {ROWS}; {NOT_VALID}
"""
CONSTRAINTS = """
SELECT DISTINCT a.attname::text, k.conname::text, k.convalidated FROM pg_constraint k
JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
WHERE k.contype IN ('n', 'c') AND k.connamespace = 'public'::regnamespace AND a.attname <> 'id'
"""


def plan(change: str) -> Plan:
    return parse_plan(f"crossfade: 1\nname: nulls\nhold: 0s\nretain: 7d\nchanges:\n  - {change}\n", "nulls.yaml")


def only_from_18(database: Database) -> None:
    if database.server.major < 18:
        pytest.skip("NOT NULL can be NOT VALID from PostgreSQL 18")


@pytest.mark.long
@pytest.mark.parametrize(
    ("tables", "change", "kept"),
    [
        (PARTED, "change_type: {table: t, column: a, to: bigint}", "a"),
        (TABLE, "change_type: {table: t, column: a, to: text, into: b, using: 'a::text', reverse: 'b::int'}", "b"),
        (TABLE, "drop_not_null: {table: t, column: a}", None),
    ],
    ids=["type", "into", "dropped"],
)
def test_it_stays_as_it_is(database: Database, tables: LiteralString, change: str, kept: str | None) -> None:
    only_from_18(database)
    database.execute(tables)
    before = database.dump()
    with Engine(database.url) as engine:
        engine.start(plan(change))
        engine.approve("nulls", Phase.CONTRACT, "alice")
        assert engine.advance("nulls").state is State.RETAINED
        found = [(name, constraint, valid) for name, constraint, valid in database.execute(CONSTRAINTS) if name == kept]
        assert found == ([] if kept is None else [(kept, "given", False)])
        assert engine.revert("nulls").state is State.BACKFILLED
        assert engine.rollback("nulls").state is State.ROLLED_BACK
    assert database.dump() == before


@pytest.mark.long
def test_one_that_nobody_inherits_comes_back_as_that(database: Database) -> None:
    only_from_18(database)
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int, CONSTRAINT given NOT NULL a NO INHERIT)")
    before = database.dump()
    with Engine(database.url) as engine:
        engine.start(plan("change_type: {table: t, column: a, to: bigint}"))
        engine.approve("nulls", Phase.CONTRACT, "alice")
        assert engine.advance("nulls").state is State.RETAINED
        assert "a bigint CONSTRAINT given NOT NULL NO INHERIT" in database.dump()
        assert engine.revert("nulls").state is State.BACKFILLED
        assert engine.rollback("nulls").state is State.ROLLED_BACK
    assert database.dump() == before


@pytest.mark.parametrize(
    "change",
    [
        "change_type: {table: t, column: a, to: bigint}",
        "drop_not_null: {table: t, column: a}",
        "drop_column: {table: t, column: a, reverse: '0'}",
    ],
)
def test_one_that_a_child_does_not_have_is_refused(database: Database, change: str) -> None:
    nobody_inherits = ", CONSTRAINT given NOT NULL a NO INHERIT" if database.server.major >= 18 else ""
    database.execute(f"CREATE TABLE t (id int PRIMARY KEY, a int{nobody_inherits}); CREATE TABLE c () INHERITS (t)")
    if not nobody_inherits:
        database.execute("ALTER TABLE ONLY t ALTER a SET NOT NULL")
    with Engine(database.url) as engine, pytest.raises(PreflightRefused) as said:
        engine.start(plan(change))
    assert "partition_constraint" in {r.code for r in said.value.refusals}


def test_one_that_a_partition_alone_has_validated_is_refused(database: Database) -> None:
    only_from_18(database)
    database.execute(PARTED)
    database.execute("DELETE FROM t WHERE a IS NULL; ALTER TABLE t_1 VALIDATE CONSTRAINT given")
    with (
        Engine(database.url) as engine,
        pytest.raises(PreflightRefused, match=r"given of public\.t is NOT VALID") as said,
    ):
        engine.start(plan("change_type: {table: t, column: a, to: bigint}"))
    assert {r.object for r in said.value.refusals} == {"public.t_1.a"}
