"""The gate `soak`: for how long a run has been in a state, anew after a revert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.gates.soak import Observation, in_words, judge, observe
from crossfade.gates.subject import Look
from crossfade.gates.verdict import Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import Soak
from crossfade.workflow import ledger
from crossfade.workflow.states import State

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

PASS, BLOCKED = Verdict.PASS, Verdict.BLOCKED
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = Soak.model_validate({"for": "1h"})


@pytest.mark.parametrize(
    ("ago", "verdict", "reason"),
    [
        (None, BLOCKED, "the run has not been backfilled yet"),
        (timedelta(0), BLOCKED, "backfilled since 2026-03-01 12:00:00 UTC, and has to be for 1h: until"),
        (timedelta(minutes=59, seconds=59), BLOCKED, "and has to be for 1h: until 2026-03-01 12:00:01 UTC"),
        (timedelta(hours=1), PASS, "backfilled since 2026-03-01 11:00:00 UTC"),
        (timedelta(days=90), PASS, "backfilled since 2025-12-01 12:00:00 UTC"),
        # Committed between the look at the clock and the look at the evidence.
        (timedelta(seconds=-1), BLOCKED, "until 2026-03-01 13:00:01 UTC"),
    ],
)
def test_it_passes_once_the_time_is_over(ago: timedelta | None, verdict: Verdict, reason: str) -> None:
    since = None if ago is None else NOW - ago
    judgement = judge(Observation(now=NOW, state="backfilled", since=since), HOUR)
    assert judgement.verdict is verdict
    assert reason in judgement.reason
    assert judgement.evidence == {"state": "backfilled", "since": since and since.isoformat(), "for": "1h"}


def move(run: Expanded, *way: State) -> dict[str, datetime]:
    """Take the run along these states, as the runner does, and say when it came to each for the last time."""
    run_id = run.subject.run_id
    for target in way:
        with run.connection.transaction():
            row = ledger.get_run(run.connection, run.subject.name)
            ledger.move(run.connection, run_id, row.token, row.state, target)
    events = (
        "SELECT data ->> 'target', at FROM crossfade.events WHERE run_id = %s AND kind = 'state_changed' ORDER BY id"
    )
    return dict(run.sql(events, [run_id]))


def since(run: Expanded, phase: Phase, **keys: Any) -> datetime | None:
    return observe(run.connection, run.subject, Soak.model_validate({"for": "1h", **keys}), run.look(phase)).since


def test_it_counts_from_the_last_time_that_the_run_came_to_the_state(start: Callable[..., Expanded]) -> None:
    another, run = start(KEYED), start(KEYED)
    move(another, State.EXPANDING, State.EXPANDED, State.BACKFILLING, State.BACKFILLED)
    assert since(run, Phase.EXPAND) == run.subject.created_at
    assert since(run, Phase.BACKFILL) is None
    assert since(run, Phase.CONTRACT, since="expanded") is None
    came = move(run, State.EXPANDING, State.EXPANDED)
    assert since(run, Phase.BACKFILL) == came["expanded"]
    assert since(run, Phase.CONTRACT) is None
    first = move(run, State.BACKFILLING, State.BACKFILLED)
    assert since(run, Phase.CONTRACT) == since(run, Phase.CONTRACT, since="backfilled") == first["backfilled"]
    assert since(run, Phase.CONTRACT, since="expanded") == came["expanded"]
    assert since(run, Phase.CONTRACT, since="planned") == since(run, Phase.BACKFILL, since="planned")
    assert since(run, Phase.CONTRACT, since="planned") == run.subject.created_at
    again = move(run, State.CONTRACTING, State.RETAINED, State.REVERTING, State.BACKFILLED)
    assert again["backfilled"] > first["backfilled"]
    assert since(run, Phase.CONTRACT) == again["backfilled"]
    assert since(run, Phase.CONTRACT, since="expanded") == came["expanded"]


def test_the_time_after_a_revert_begins_anew(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "hold: 0s\ngates: {contract: [soak: {for: 1s}]}")
    first = move(run, State.EXPANDING, State.EXPANDED, State.BACKFILLING, State.BACKFILLED)["backfilled"]
    (soak,) = run.subject.plan.gates.contract
    assert isinstance(soak, Soak)

    def verdict(at: datetime) -> Verdict:
        look = Look(phase=Phase.CONTRACT, now=at, record=False)
        return judge(observe(run.connection, run.subject, soak, look), soak).verdict

    assert verdict(first + timedelta(seconds=0.9)) is BLOCKED
    assert verdict(first + timedelta(seconds=1)) is PASS
    last = move(run, State.CONTRACTING, State.RETAINED, State.REVERTING, State.BACKFILLED)["backfilled"]
    assert verdict(last + timedelta(seconds=0.9)) is BLOCKED
    assert verdict(last + timedelta(seconds=1)) is PASS


def test_in_front_of_a_phase_it_waits_and_says_until_when(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "gates: {expand: [soak: {for: 1h}], contract: [soak: {for: 1h}, approval: {role: dba}]}")
    (soak,) = run.evaluate(Phase.EXPAND).gates
    assert soak.verdict is BLOCKED
    assert soak.evidence["since"] == run.subject.created_at.isoformat()
    assert run.gates()["soak"].reason == "the run has not been backfilled yet"


def test_in_words_it_says_the_state_and_the_time() -> None:
    assert in_words(Soak.model_validate({"for": "24h", "since": "backfilled"})) == "the run has been backfilled for 1d"
    assert in_words(HOUR) == "the run has been in the state that the phase begins from for 1h"
