"""A key WITHOUT OVERLAPS is held up by a gist index, which CREATE INDEX cannot make unique."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from ..fixtures.database import Database


@pytest.mark.parametrize(("old", "key"), [("vr", "id, valid WITHOUT OVERLAPS"), ("id", "valid, vr WITHOUT OVERLAPS")])
def test_a_column_of_a_temporal_key_is_renamed(database: Database, old: str, key: str) -> None:
    if database.server.major < 18:
        pytest.skip("WITHOUT OVERLAPS came with PostgreSQL 18")
    database.execute("CREATE EXTENSION btree_gist")
    database.execute("CREATE TABLE t (id int, vr tstzrange, PRIMARY KEY (id, vr WITHOUT OVERLAPS))")
    database.execute("INSERT INTO t SELECT g, tstzrange('2020-01-01', '2021-01-01') FROM generate_series(1, 50) g")
    change = f"{{rename_column: {{table: t, from: {old}, to: valid}}}}"
    plan = parse_plan(f"crossfade: 1\nname: temporal\nchanges: [{change}]\n", "p.yaml")
    with Engine(database.url) as engine:
        assert engine.expand(plan).state is State.EXPANDED
        assert engine.backfill("temporal").state is State.BACKFILLED
        engine.approve("temporal", Phase.CONTRACT, "alice")
        assert engine.contract("temporal").state is State.CONTRACTED
    keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'p'"
    assert database.execute(keys) == [(f"PRIMARY KEY ({key})",)]
