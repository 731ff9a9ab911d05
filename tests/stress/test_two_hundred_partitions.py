"""A table of two hundred leaves on two levels, each with indexes of its own, is renamed end to end under writers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import LockNotAcquired
from crossfade.observe.events import LockWaited, StepDone
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.database import Database, fresh_database
from ..scenarios.mortals import RUN, assert_nothing_left
from .crowd import NEW, OLD, ROWS, Crowd

if TYPE_CHECKING:
    from crossfade.observe.events import Event

RANGES, HASHES, ROW_COUNT = 20, 10, 100_000
LEAVES = RANGES * HASHES
TREE = """
CREATE TABLE users (id bigint PRIMARY KEY, email text, logins int NOT NULL DEFAULT 0,
    CONSTRAINT users_email UNIQUE (email, id)) PARTITION BY RANGE (id);
"""
PLAN = f"""
crossfade: 1
name: {RUN}
changes:
  - rename_column: {{table: users, from: email, to: email_address}}
"""


def setup() -> str:
    """Ranges of ids, each hashed; a unique index over the tree, one of each leaf's own, and one of one leaf only."""
    said, width = [TREE], ROW_COUNT // RANGES
    for r in range(RANGES):
        upto = "MAXVALUE" if r == RANGES - 1 else (r + 1) * width
        bounds = f"FROM ({r * width}) TO ({upto})"
        said.append(f"CREATE TABLE users_{r} PARTITION OF users FOR VALUES {bounds} PARTITION BY HASH (id);")
        for h in range(HASHES):
            leaf, bounds = f"users_{r}_{h}", f"WITH (MODULUS {HASHES}, REMAINDER {h})"
            said.append(f"CREATE TABLE {leaf} PARTITION OF users_{r} FOR VALUES {bounds};")
            said.append(f"CREATE UNIQUE INDEX {leaf}_own ON {leaf} (email);")
    said.append("CREATE INDEX only_here ON users_3_3 (lower(email)) WHERE email IS NOT NULL;")
    return "\n".join(said)


class Told:
    """What the engine told of, as far as it is measured here."""

    def __init__(self) -> None:
        self.waits = 0
        self.held_ms: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, LockWaited):
            self.waits += 1
        elif isinstance(event, StepDone):
            self.held_ms[event.step.partition("/")[2]] = round(event.duration_ms, 1)


def copies(database: Database, *, attached: bool) -> int:
    """Valid copies of indexes on the leaves, as parts of a parent's or by themselves."""
    [(count,)] = database.execute(
        "SELECT count(*) FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"
        " WHERE c.relname LIKE 'crossfade\\_ix%%' AND c.relkind = 'i' AND i.indisvalid AND c.relispartition = %s",
        [attached],
    )
    return int(count)


def test_a_tree_of_partitions_is_renamed_end_to_end_under_writers(
    database: Database, figure: Callable[[str, object], None]
) -> None:
    database.execute(setup())
    database.execute(ROWS, [ROW_COUNT])
    told, plan = Told(), parse_plan(PLAN, "plan.yaml")
    with Crowd(database, ROW_COUNT, pause=0.005) as crowd, Engine(database.url, emit=told) as engine:
        engine.start(plan)
        engine.approve(RUN, Phase.CONTRACT, "alice")
        assert engine.expand(RUN).state is State.EXPANDED
        figure("slowest ms at expand", crowd.slowest_ms)
        crowd.names = (OLD, NEW)
        assert engine.backfill(RUN).state is State.BACKFILLED
        crowd.assert_well()
        crowd.all_in_step = True
        assert (copies(database, attached=True), copies(database, attached=False)) == (LEAVES, LEAVES + 1)
        [(done, relations)] = database.execute(
            "SELECT count(*) FILTER (WHERE finished_at IS NOT NULL), count(*) FROM crossfade.backfills"
        )
        assert (done, relations) == (LEAVES, LEAVES)
        assert database.execute("SELECT count(*) FROM users WHERE email IS DISTINCT FROM email_address") == [(0,)]
        crowd.names = (NEW,)
        assert engine.contract(RUN).state is State.CONTRACTED
        crowd.assert_well()
    figure("lock waits", told.waits)
    for step in ("add", "hide", "drop"):
        figure(f"locks held for {step} ms", told.held_ms[step])
    figure("statements of writers", crowd.statements)
    figure("slowest ms", crowd.slowest_ms)
    crowd.assert_facts_kept(database, NEW)
    assert_nothing_left(database)
    with fresh_database(database.server) as other:
        other.execute(setup())
        other.execute("ALTER TABLE users RENAME COLUMN email TO email_address")
        assert database.dump() == other.dump()


def test_a_tree_of_partitions_is_rolled_back_as_if_nothing_had_been(database: Database) -> None:
    database.execute(setup())
    database.execute(ROWS, [ROW_COUNT // 10])
    before = database.dump()
    with Crowd(database, ROW_COUNT // 10, pause=0.005) as crowd, Engine(database.url) as engine:
        engine.start(parse_plan(PLAN, "plan.yaml"))
        assert engine.advance(RUN, to=State.BACKFILLED).state is State.BACKFILLED
        assert engine.rollback(RUN).state is State.ROLLED_BACK
        crowd.assert_well()
    crowd.assert_facts_kept(database, OLD)
    assert database.dump() == before
    assert_nothing_left(database)


def test_a_reader_of_one_leaf_is_named_and_nothing_is_changed(database: Database) -> None:
    database.execute(setup())
    before = database.dump()
    reader = database.connect(application_name="report-of-one-leaf")
    reader.execute("SELECT count(*) FROM users_7_3")
    with Engine(database.url) as engine:
        with pytest.raises(LockNotAcquired, match=r"report-of-one-leaf") as refused:
            engine.expand(parse_plan(PLAN + "locks: {give_up_after: 3s}\n", "plan.yaml"))
        assert f"pid {reader.info.backend_pid}" in refused.value.message
        assert "users_7_3" in refused.value.message
        reader.rollback()
        assert database.dump() == before
        assert engine.expand(RUN).state is State.EXPANDED
