"""A look that asks nothing outside of the database: what was recorded stands in, while it is young."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.gates.evaluate import glance
from crossfade.gates.recall import YOUNG, judge
from crossfade.gates.verdict import Verdict
from crossfade.operations.step import Phase

from .answering import Answering, Reply, answering
from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crossfade.gates.verdict import GateResult

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with answering() as made:
        yield made


def recorded(verdict: str, *, passing_since: str | None = None) -> dict[str, Any]:
    return {"kind": "http", "verdict": verdict, "reason": "said so", "evidence": {}, "passing_since": passing_since}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_young_answer_counts_and_an_old_one_is_unknown(verdict: Verdict) -> None:
    young = judge(recorded(verdict), NOW - YOUNG, NOW)
    assert (young.verdict, young.reason) == (verdict, "said so, 2 min ago")
    old = judge(recorded(verdict), NOW - YOUNG - timedelta(seconds=1), NOW)
    assert old.verdict is UNKNOWN
    assert f"it was {verdict}" in old.reason


def test_one_that_was_only_held_back_by_its_hold_passed() -> None:
    found = judge(recorded("BLOCKED", passing_since="2026-11-26T11:59:00+00:00"), NOW - timedelta(seconds=3), NOW)
    assert (found.verdict, found.reason) == (PASS, "http passed 3 s ago")


def glanced(run: Expanded) -> dict[str, GateResult]:
    return {gate.kind: gate for gate in glance(run.connection, run.subject, Phase.CONTRACT).gates}


def test_a_gate_outside_is_not_asked_and_its_latest_answer_is_shown(
    start: Callable[..., Expanded], web: Answering
) -> None:
    web.replies["/ready"] = Reply()
    run = start(KEYED, f'hold: 0s\ngates: {{contract: [{{http: {{url: "{web.url}/ready"}}}}]}}')
    assert glanced(run)["http"].verdict is UNKNOWN
    assert "crossfade gate" in glanced(run)["http"].reason
    assert web.asked == []
    run.evaluate()
    assert len(web.asked) == 1
    web.replies["/ready"] = Reply(status=404)
    assert glanced(run)["http"].verdict is PASS
    assert len(web.asked) == 1
    run.evaluate()
    assert glanced(run)["http"].verdict is BLOCKED
    run.sql("UPDATE crossfade.evaluations SET at = at - interval '3 min' WHERE run_id = %s", [run.subject.run_id])
    assert glanced(run)["http"].verdict is UNKNOWN


def test_a_part_of_another_gate_is_recalled_too(start: Callable[..., Expanded], web: Answering) -> None:
    web.replies["/ready"] = Reply()
    inner = f'{{http: {{url: "{web.url}/ready"}}}}, {{sql: {{query: "SELECT true"}}}}'
    run = start(KEYED, f"hold: 0s\ngates: {{contract: [{{all: [{inner}]}}]}}")
    assert glanced(run)["all"].verdict is UNKNOWN
    run.evaluate()
    assert glanced(run)["all"].verdict is PASS
    assert len(web.asked) == 1


def test_an_outside_source_is_not_asked_and_what_it_saw_last_still_blocks(
    start: Callable[..., Expanded], web: Answering
) -> None:
    web.replies["/v"] = Reply({"version": "1.4.0"})
    roster = f'api: {{scheme: semver, new: ">=2.0.0", sources: [heartbeat, {{http: {{urls: ["{web.url}/v"]}}}}]}}'
    run = start(KEYED, f"apps:\n  {roster}\nhold: 0s")
    found = glanced(run)["app_version"]
    assert (found.verdict, web.asked) == (UNKNOWN, [])
    assert "not asked by status" in found.reason
    run.evaluate()
    web.replies["/v"] = Reply({"version": "2.0.0"})
    found = glanced(run)["app_version"]
    assert (found.verdict, len(web.asked)) == (BLOCKED, 1)
    assert "1.4.0" in found.reason
    run.sql("UPDATE crossfade.evaluations SET at = at - interval '3 min' WHERE run_id = %s", [run.subject.run_id])
    assert glanced(run)["app_version"].verdict is BLOCKED
    run.sql("DELETE FROM crossfade.sightings")
    found = glanced(run)["app_version"]
    assert (found.verdict, len(web.asked)) == (UNKNOWN, 1)
    run.evaluate()
    found = glanced(run)["app_version"]
    assert (found.verdict, len(web.asked)) == (PASS, 2)


def test_a_glance_writes_nothing(start: Callable[..., Expanded], web: Answering) -> None:
    run = start(KEYED, f'hold: 1h\ngates: {{contract: [{{http: {{url: "{web.url}/ready", hold: 1h}}}}]}}')
    run.evaluate()
    tables = ("evaluations", "passing", "sightings", "events", "shown", "counters")
    before = [run.sql(f"SELECT count(*) FROM crossfade.{table}") for table in tables]
    glanced(run)
    assert [run.sql(f"SELECT count(*) FROM crossfade.{table}") for table in tables] == before
