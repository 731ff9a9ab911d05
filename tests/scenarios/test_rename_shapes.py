"""A rename of every shape of table ends as plain DDL would, and a rollback as if nothing had been.

The telling ones are rolled back from where most of it is made, and reverted; one of them is rolled back from the other
states that offer it as well. What a crash leaves half-made is the matter of the kill tests. Every shape in every test:
CROSSFADE_LONG=1 pytest tests/scenarios/test_rename_shapes.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.errors import Interrupted
from crossfade.observe.events import BatchDone, StepDone
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database
from ..fixtures.long import few_of
from .shapes import SHAPES, Shape, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TELLING = frozenset({"everything", "no key", "partitioned", "updated_at itself"})
"""Those whose way there and back differs most from each other's."""
CONTRACTED = frozenset(
    {
        "everything",
        "the primary key itself, with identity and references to it",
        "inheritance",
        "updated_at, set by a trigger",
    }
)
"""Those of which something has to be made anew."""
REVERTED = frozenset({"partitioned"})
"""The one whose new name hides otherwise than in a plain case of `operations/life`."""


def shapes(short: frozenset[str]) -> pytest.MarkDecorator:
    """All of them; those that are not named are `long`."""
    return pytest.mark.parametrize("shape", few_of(SHAPES, short), ids=lambda s: s.id)


def plan_of(shape: Shape, *, retain: str = "0s", more: tuple[str, ...] = ()) -> Plan:
    table = shape.table if shape.table.startswith("'") else f'"{shape.table}"'
    lines = [
        "crossfade: 1",
        "name: the-rename",
        f"retain: {retain}",
        "changes:",
        f"  - rename_column: {{table: {table}, from: {yaml_text(shape.old)}, to: {yaml_text(shape.new)}}}",
        *more,
    ]
    return parse_plan("\n".join(lines), "plan.yaml")


def yaml_text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


@pytest.fixture
def prepared(database: Database, shape: Shape) -> Database:
    """The test's database with the shape in it."""
    if int(database.server.version.split(".")[0]) < shape.oldest:
        pytest.skip(f"PostgreSQL {database.server.version} does not know this shape")
    try:
        database.execute(shape.setup)
    except psycopg.errors.FeatureNotSupported as error:
        if "ICU" not in str(error):
            raise
        pytest.skip("this server is built without ICU")
    return database


def rows_of(database: Database, shape: Shape, column: str) -> list[tuple[object, ...]]:
    return database.execute(
        f"SELECT {quoted(column)}::text, count(*) FROM {shape.sql_table} GROUP BY 1 ORDER BY 1 NULLS FIRST"
    )


@shapes(CONTRACTED)
def test_contracted_is_what_plain_ddl_gives(shape: Shape, prepared: Database) -> None:
    plan, facts = plan_of(shape), rows_of(prepared, shape, shape.old)
    with Engine(prepared.url) as engine:
        engine.advance(plan, acks=shape.acks, to=State.BACKFILLED)
        assert rows_of(prepared, shape, shape.new) == facts == rows_of(prepared, shape, shape.old)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        assert engine.contract(plan).state is State.CONTRACTED
        assert engine.orphans() == ()
    assert rows_of(prepared, shape, shape.new) == facts
    assert prepared.dump() == dump_after_plain_rename(prepared, shape)


def dump_after_plain_rename(database: Database, shape: Shape) -> str:
    with fresh_database(database.server) as other:
        other.execute(without_roles(shape.setup))
        other.execute(shape.plain_rename)
        return other.dump()


def without_roles(setup: str) -> str:
    """Roles are the cluster's: the test's first database has made them."""
    return "\n".join(line for line in setup.splitlines() if "CREATE ROLE" not in line)


@pytest.mark.long
@shapes(TELLING)
def test_rolled_back_is_what_was_before(shape: Shape, prepared: Database) -> None:
    before, facts = prepared.dump(), rows_of(prepared, shape, shape.old)
    with Engine(prepared.url) as engine:
        engine.advance(plan_of(shape), acks=shape.acks, to=State.BACKFILLED)
        assert engine.rollback("the-rename").state is State.ROLLED_BACK
        assert engine.orphans() == ()
    assert prepared.dump() == before
    assert rows_of(prepared, shape, shape.old) == facts


def rows_are_half_filled(event: Event) -> bool:
    return isinstance(event, BatchDone)


def indexes_are_half_built(event: Event) -> bool:
    return isinstance(event, StepDone) and event.phase == Phase.BACKFILL


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize("shape", [s for s in SHAPES if s.id == "everything"], ids=lambda s: s.id)
def test_rolled_back_from_elsewhere_is_what_was_before(shape: Shape, prepared: Database) -> None:
    before, facts = prepared.dump(), rows_of(prepared, shape, shape.old)
    plan = plan_of(shape, more=("backfill: {batch_rows: 50}",))
    elsewhere = (
        (State.PLANNED, None, 0),
        (State.EXPANDED, None, 0),
        (State.BACKFILLING, rows_are_half_filled, 50),
        (State.BACKFILLING, indexes_are_half_built, 300),
    )
    for state, stop, done in elsewhere:
        if stop is None:
            with Engine(prepared.url) as engine:
                engine.start(plan)
                engine.advance(plan.name, to=state)
        else:
            advance_until(prepared.url, plan, stop)
        with Engine(prepared.url) as engine:
            found = engine.status(plan.name)
            assert found.state is state
            assert sum(table.rows_done for table in found.backfill) == done
            assert engine.rollback(plan.name).state is State.ROLLED_BACK
            assert engine.orphans() == ()
        assert prepared.dump() == before
        assert rows_of(prepared, shape, shape.old) == facts


def advance_until(url: str, plan: Plan, is_far_enough: Callable[[Event], bool]) -> None:
    """Advance up to the first such event, and stop there as Ctrl-C does."""
    with (
        Engine(url, emit=lambda event: engine.stop() if is_far_enough(event) else None) as engine,
        pytest.raises(Interrupted),
    ):
        engine.advance(plan, to=State.BACKFILLED)


@pytest.mark.long
@shapes(REVERTED)
def test_a_revert_gives_both_names_back_and_can_be_rolled_back_or_contracted_again(
    shape: Shape, prepared: Database
) -> None:
    before, facts = prepared.dump(), rows_of(prepared, shape, shape.old)
    plan = plan_of(shape, retain="7d")
    with Engine(prepared.url) as engine:
        engine.start(plan, acks=shape.acks)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        for _ in range(2):
            assert engine.advance(plan).state is State.RETAINED
            assert rows_of(prepared, shape, shape.new) == facts
            assert engine.revert(plan.name).state is State.BACKFILLED
            assert rows_of(prepared, shape, shape.new) == facts == rows_of(prepared, shape, shape.old)
        engine.rollback(plan.name)
    assert prepared.dump() == before
