"""Overrides: what they go past, for how long, and what they never do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.errors import UsageError
from crossfade.gates import overrides, sightings
from crossfade.gates.verdict import Verdict
from crossfade.operations.step import Phase

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
PLAN = 'apps:\n  api: {scheme: semver, new: ">=2.0.0"}\nhold: 0s\n'
WANTED = overrides.Wanted(
    phase=Phase.CONTRACT, gate="app_version", actor="ada", reason="the pod is gone", lasts=timedelta(minutes=30)
)


def give(run: Expanded, wanted: overrides.Wanted = WANTED) -> None:
    overrides.give(run.connection, run.subject, wanted)


@pytest.fixture
def blocked(start: Callable[..., Expanded]) -> Expanded:
    """A run that an old version holds back."""
    run = start(KEYED, PLAN)
    sightings.heartbeat(run.connection, "api", "1.0.0", "pod-a")
    assert run.evaluate().verdict is BLOCKED
    return run


def test_the_gate_is_asked_all_the_same_and_the_phase_may_begin(blocked: Expanded) -> None:
    give(blocked)
    found = blocked.evaluate()
    gate = next(g for g in found.gates if g.kind == "app_version")
    assert (found.verdict, found.blockers, gate.verdict) == (PASS, (), BLOCKED)
    assert gate.as_json()["override"]["by"] == "ada"
    kept = blocked.sql("SELECT gates::text FROM crossfade.evaluations ORDER BY id DESC LIMIT 1")
    assert "the pod is gone" in kept[0][0]


def test_it_ends_by_the_clock_of_the_database(blocked: Expanded) -> None:
    give(blocked, replace(WANTED, lasts=timedelta(milliseconds=1)))
    blocked.sql("SELECT pg_sleep(0.01)")
    assert blocked.evaluate().verdict is BLOCKED


def test_it_holds_for_that_gate_phase_and_plan_alone(blocked: Expanded) -> None:
    give(blocked, replace(WANTED, gate="legacy_writes"))
    assert blocked.evaluate().verdict is BLOCKED
    give(blocked)
    changed = replace(blocked.subject, digest="sha256:2")
    blocked.subject, kept = changed, blocked.subject
    assert blocked.evaluate().verdict is BLOCKED
    blocked.subject = kept
    assert blocked.evaluate().verdict is PASS


def test_it_never_goes_past_a_trigger_that_is_missing(blocked: Expanded) -> None:
    give(blocked)
    give(blocked, replace(WANTED, gate="legacy_writes"))
    assert blocked.evaluate().verdict is PASS
    blocked.sql("ALTER TABLE t DISABLE TRIGGER ALL")
    found = blocked.evaluate()
    assert found.verdict is ERROR
    assert [g.override is not None for g in found.gates if g.kind == "legacy_writes"] == [False]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (replace(WANTED, gate="app_versoin"), "did you mean"),
        (replace(WANTED, gate="sql"), "stand"),
        (replace(WANTED, reason=" "), "--reason"),
        (replace(WANTED, actor=""), "--as"),
        (replace(WANTED, lasts=timedelta(0)), "up to 7d"),
        (replace(WANTED, lasts=timedelta(days=8)), "up to 7d"),
        (replace(WANTED, phase=Phase.EXPAND), "no gate stands before expand"),
    ],
)
def test_what_cannot_be_overridden_is_refused(blocked: Expanded, wanted: overrides.Wanted, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        give(blocked, wanted)
    assert said in f"{raised.value.message} {raised.value.hint}"
    written = blocked.sql("SELECT count(*) FROM crossfade.overrides WHERE run_id = %s", [blocked.subject.run_id])
    assert written == [(0,)]


def test_it_is_kept_for_good(blocked: Expanded) -> None:
    give(blocked)
    for statement in ("DELETE FROM crossfade.overrides", "UPDATE crossfade.overrides SET until = 'infinity'"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            blocked.sql(statement)
