"""Thousands of instances: what their heartbeats leave in the ledger, and how much of it a gate reads and keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.gates import app_version, sightings
from crossfade.gates.verdict import Verdict
from crossfade.plan.gates import AppVersion

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..fixtures.database import Database
    from .expanded import Expanded

ROSTER = 'apps:\n  api: {scheme: semver, new: ">=2.0.0"}\nhold: 0s'
INSTANCES = 500
ROUND = "SELECT count(crossfade.heartbeat('api', '2.0.0', 'pod-' || g)) FROM generate_series(1, %s) g"
SIZES = (
    "SELECT pg_table_size('crossfade.sightings'), pg_indexes_size('crossfade.sightings'), count(*)"
    " FROM crossfade.sightings"
)
UPDATES = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'crossfade.sightings'::regclass"
SEEN = """
INSERT INTO crossfade.sightings (app, version, instance, source, first_seen, last_seen)
SELECT 'api', %s, %s || g, %s, now() - age - interval '1 h', now() - age - g * interval '1 ms'
FROM generate_series(1, %s) g, CAST(%s AS interval) AS age
"""


def see(run: Expanded, version: str, prefix: str, *, many: int, age: str = "0 s", source: str = "heartbeat") -> None:
    """That many instances were seen, the first of them last."""
    run.sql(SEEN, [version, prefix, source, many, age])


def left(run: Expanded) -> set[tuple[str, str, str]]:
    return {(s.version, s.instance, s.source) for s in sightings.list_sightings(run.connection)}


@pytest.mark.long
@pytest.mark.every_server
def test_heartbeats_are_updates_that_leave_nothing_behind(start: Callable[..., Expanded], shared: Database) -> None:
    """No index has to be told of them, and what they leave is used again in the same page."""
    start(KEYED)
    with shared.connect(autocommit=True) as app:

        def beat(rounds: int) -> tuple[Any, ...]:
            for _ in range(rounds):
                app.execute(ROUND, [INSTANCES])
            app.execute("VACUUM crossfade.sightings")
            row = app.execute(SIZES).fetchone()
            assert row is not None
            return row

        table, indexes, _ = beat(5)
        later_table, later_indexes, rows = beat(15)
        # The server's own ANALYZE may keep a round from being used again; fifteen of them would be far more than this.
        assert later_table < 2 * table
        assert (later_indexes, rows) == (indexes, INSTANCES)
    # Counters are handed on when a session ends.
    updates, in_place = shared.execute(UPDATES)[0]
    while updates < 19 * INSTANCES:
        updates, in_place = shared.execute(UPDATES)[0]
    assert in_place / updates > 0.95


def test_only_the_latest_of_what_is_stale_is_read_and_the_rest_is_counted(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    see(run, "2.0.0", "new-", many=300)
    see(run, "1.8.0", "gone-", many=200, age="2 h")
    see(run, "1.9.0", "went-", many=100, age="1 h")
    observation = app_version.observe(run.connection, run.subject, AppVersion(), run.look())
    read = [s.version for s in observation.sightings]
    assert (read.count("2.0.0"), read.count("1.9.0"), read.count("1.8.0")) == (300, 50, 1)
    assert observation.left_out == 249
    assert {s.instance for s in observation.sightings} >= {"went-1", "went-50", "gone-1"}
    judged = app_version.judge(observation, AppVersion())
    assert judged.verdict is Verdict.PASS
    assert (judged.evidence["fresh_sightings"], judged.evidence["stale_sightings"]) == (300, 300)


def test_one_old_instance_among_thousands_is_found_and_listed(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    see(run, "2.0.0", "pod-", many=3000)
    see(run, "1.9.9", "straggler-", many=1, age="50 s")
    gate = run.gates()["app_version"]
    assert gate.verdict is Verdict.BLOCKED
    assert "straggler-1" in gate.reason
    listed = gate.evidence["sightings"]
    assert "straggler-1" in {s["instance"] for s in listed}
    assert len(listed) == 100
    assert gate.evidence["live"] == [
        {"app": "api", "version": "1.9.9", "source": "heartbeat", "needs": "old", "sightings": 1},
        {"app": "api", "version": "2.0.0", "source": "heartbeat", "needs": "new", "sightings": 3000},
    ]


def test_what_is_kept_of_a_look_is_bounded(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    run.sql(
        "INSERT INTO crossfade.sightings (app, version, instance, source)"
        " SELECT 'api', '1.' || mod(g, 200) || '.0', 'pod-' || g, 'heartbeat' FROM generate_series(1, 2000) g"
    )
    gate = run.gates()["app_version"]
    assert gate.verdict is Verdict.BLOCKED
    assert gate.reason.endswith("; 190 more versions")
    assert len(gate.reason) < 10_000
    assert len(json.dumps(gate.evidence)) < 100_000


@pytest.mark.alike
@pytest.mark.parametrize("by", ["a look", "heartbeats"])
def test_who_was_not_seen_for_90_days_is_forgotten(start: Callable[..., Expanded], by: str) -> None:
    run = start(KEYED, ROSTER)
    see(run, "1.0.0", "gone-", many=20, age="91 days")
    see(run, "1.1.0", "away-", many=1, age="89 days")
    see(run, "1.0.0", "replaced-", many=1, age="91 days", source="record")
    see(run, "1.1.0", "replaced-", many=1, age="90 days 1 h", source="record")
    see(run, "1.0.0", "standing-", many=1, age="91 days", source="record")
    if by == "a look":
        run.evaluate()
    else:
        # One new instance in a hundred does it.
        run.sql("SELECT count(crossfade.heartbeat('api', '2.0.0', 'pod-' || g)) FROM generate_series(1, 3000) g")
    assert {seen for seen in left(run) if not seen[1].startswith("pod-")} == {
        ("1.1.0", "away-1", "heartbeat"),
        ("1.1.0", "replaced-1", "record"),
        ("1.0.0", "standing-1", "record"),
    }


def test_a_look_that_is_not_recorded_forgets_nothing(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    see(run, "1.0.0", "gone-", many=1, age="91 days")
    run.evaluate(record=False)
    assert left(run) == {("1.0.0", "gone-1", "heartbeat")}
