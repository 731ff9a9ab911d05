"""Foreign keys to a partitioned table whose partitions come and go while a run is under way.

PostgreSQL keeps a constraint for each of them; those of the user's key have names of the user's at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.operations.step import Phase
from crossfade.postgres.catalog_read import read_catalog
from crossfade.workflow.states import State

from .life.case import RUN
from .life.cases.keys_to_partitioned import CASES, ORDERS, PARTS
from .life.leftovers import assert_nothing_left

if TYPE_CHECKING:
    from ..fixtures.database import Database
    from .life.case import Case

QUICK = frozenset({"the key's column gets another type", "the table becomes a partitioned one"})
"""The exchange of a column, and that of a table."""

CHANGING = [
    pytest.param(case, id=case.id, marks=() if case.id in QUICK else pytest.mark.long)
    for case in CASES
    # Partitions of the table itself, and what is made while it has a name of ours, are another matter: docs/limits.md.
    if "table: people," not in case.changes and "strategy: alias" not in case.changes
]


def partition(number: int) -> str:
    """A new partition with somebody in it."""
    low = 10_000_000 + number * 100
    made = f"CREATE TABLE people_new_{number} PARTITION OF people FOR VALUES FROM ({low}) TO ({low + 100})"
    return f"{made}; INSERT INTO people VALUES ({low + 7});"


COME_AND_GO = (
    partition(1) + "CREATE TABLE people_1c PARTITION OF people_1 DEFAULT;",
    "ALTER TABLE people DETACH PARTITION people_new_1; DROP TABLE people_new_1;" + partition(2),
    partition(3),
    partition(4),
)


@pytest.mark.long
@pytest.mark.every_server
@pytest.mark.parametrize("case", CHANGING)
def test_partitions_come_and_go_during_the_run(case: Case, database: Database) -> None:
    database.execute(case.setup)
    with Engine(database.url) as engine:
        engine.start(case.plan, acks=case.acks)
        engine.approve(RUN, Phase.CONTRACT, "alice")
        for goal, ddl in zip((State.EXPANDED, State.BACKFILLED), COME_AND_GO[:2], strict=True):
            reached = engine.advance(RUN, to=goal).state
            database.execute(ddl)
            write(case, database, reached)
        if reached is not State.CONTRACTED:
            reached = engine.contract(RUN).state
        database.execute(COME_AND_GO[2])
        write(case, database, reached)
        if reached is State.RETAINED and State.RETAINED in case.turns_back:
            assert engine.revert(RUN).state is State.BACKFILLED
            database.execute(COME_AND_GO[3])
            write(case, database, State.BACKFILLED)
            assert engine.contract(RUN).state is State.RETAINED
        if engine.status(RUN).state is State.RETAINED:
            database.execute("UPDATE crossfade.runs SET retain_until = clock_timestamp()")
            assert engine.contract(RUN).state is State.CONTRACTED
        write(case, database, State.CONTRACTED)
        assert_nothing_left(database, engine)
    named = [name for _, name, _ in database.execute(PARTS)]
    assert not [name for name in named if "crossfade" in str(name)]


def write(case: Case, database: Database, state: State) -> None:
    """What the versions send that are there by then; nothing of it is kept."""
    old = () if state in (State.RETAINED, State.CONTRACTED) else case.old_writes
    new = () if state is State.EXPANDED and case.new_from is not State.EXPANDED else case.new_writes
    for writes in (old, new):
        with database.connect() as connection:
            for statement in writes:
                connection.execute(statement.encode(), {"n": 5000})
            connection.rollback()


@pytest.mark.long
@pytest.mark.every_server
def test_the_parts_have_their_names_back(database: Database) -> None:
    database.execute(ORDERS)
    named = database.execute(PARTS)
    with Engine(database.url) as engine:
        engine.start(CASES[0].plan)
        engine.approve(RUN, Phase.CONTRACT, "alice")
        engine.advance(RUN, to=State.BACKFILLED)
        assert engine.contract(RUN).state is State.RETAINED
        engine.revert(RUN)
        assert engine.rollback(RUN).state is State.ROLLED_BACK
    assert database.execute(PARTS) == named


@pytest.mark.every_server
def test_a_table_has_its_keys_once(database: Database) -> None:
    database.execute(ORDERS)
    with database.connect() as connection:
        catalog = read_catalog(connection, [(None, "o")])
    table = catalog.resolve(None, "o")
    assert table is not None
    assert [c.name for c in table.constraints if c.kind == "foreign"] == ["o_fk"]
    assert len(table.key_parts) == 5
    assert {"o_fk", *table.key_parts} <= table.constraint_names
