"""An old instance starts while contract begins: it is seen, and contract stays out, or it is not let in.

`CROSSFADE_FENCE_TRIES=200 pytest tests/scenarios/test_fence_race.py` tries it often.
"""

from __future__ import annotations

import os
import random
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.errors import GateBlocked
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from ..fixtures.database import Database

TRIES = int(os.environ.get("CROSSFADE_FENCE_TRIES", "4"))
PLAN = """
crossfade: 1
name: race-{number}
apps:
  api: {{scheme: semver, new: ">=2.0.0", ttl: 1h}}
changes:
  - rename_column: {{table: t{number}, from: email, to: address}}
hold: 0s
retain: 1d
"""


@pytest.mark.parametrize(
    "asks", ["can_i_run('api', '1.4.0')", pytest.param("heartbeat('api', '1.4.0', 'pod-old')", marks=pytest.mark.long)]
)
def test_an_old_instance_is_seen_or_not_let_in(database: Database, asks: str) -> None:
    outcomes: set[tuple[bool, bool]] = set()
    took = 0.1
    for number in range(TRIES):
        plan = parse_plan(PLAN.format(number=number), "race.yaml")
        with psycopg.connect(database.url) as connection:
            connection.execute(f"CREATE TABLE t{number} (id int PRIMARY KEY, email text)".encode())
        with Engine(database.url) as engine:
            engine.expand(plan)
            engine.backfill(plan)
            engine.heartbeat("api", "2.0.0", "pod-new")
        answers: list[bool] = []
        # From before contract begins to after its end, by how long the one before took.
        delay = random.uniform(0, 1.2 * took)

        def start(delay: float = delay, answers: list[bool] = answers) -> None:
            with psycopg.connect(database.url, autocommit=True) as app:
                time.sleep(delay)
                row = app.execute(f"SELECT crossfade.{asks}".encode()).fetchone()
                assert row is not None
                answers.append(row[0])

        starting = threading.Thread(target=start)
        begun = time.monotonic()
        starting.start()
        with Engine(database.url) as engine:
            try:
                has_contracted = engine.contract(plan.name).state is State.RETAINED
            except GateBlocked:
                has_contracted = False
            starting.join()
            took = time.monotonic() - begun if has_contracted else took
            assert has_contracted or engine.status(plan.name).state is State.BACKFILLED
        # A heartbeat that is told no is a sighting all the same, and may keep contract out as well.
        assert not (has_contracted and answers[0]), f"let in although it was contracted, after {delay:.3f} s"
        assert has_contracted or answers[0] or asks.startswith("heartbeat"), f"kept out by nobody, after {delay:.3f} s"
        outcomes.add((has_contracted, answers[0]))
        # What was let in is gone, and what is hidden stays so: the next try begins anew.
        database.execute("DELETE FROM crossfade.sightings; UPDATE crossfade.runs SET fences = '{}'")
    assert TRIES < 50 or len(outcomes) >= 2, "the moments were never the interesting ones"
