"""The gate `plan`: how far the latest run of another name has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from psycopg.types.json import Jsonb

from crossfade.gates.other_plan import Observation, in_words, judge
from crossfade.gates.verdict import Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import OtherPlan, Reached
from crossfade.workflow.states import FORWARD, State

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN


@pytest.mark.parametrize("wanted", get_args(Reached))
@pytest.mark.parametrize("state", State)
def test_it_passes_at_the_state_and_past_it_but_for_a_run_that_turned_back(state: State, wanted: Reached) -> None:
    judgement = judge(Observation(state=state.value), OtherPlan(name="first", state=wanted))
    reached = state in FORWARD and FORWARD.index(state) >= FORWARD.index(State(wanted))
    assert judgement.verdict is (PASS if reached else BLOCKED)
    assert judgement.reason == f"run first is {state}" + ("" if reached else f", and has to be {wanted}")
    assert judgement.evidence == {"run": "first", "state": state, "wanted": wanted}


@pytest.mark.parametrize("state", [None, "", "done", "CONTRACTED"])
def test_no_run_is_unknown_and_a_state_that_nobody_knows_does_not_pass(state: str | None) -> None:
    judgement = judge(Observation(state=state), OtherPlan(name="first", state="planned"))
    assert judgement.verdict is (UNKNOWN if state is None else BLOCKED)


def add(run: Expanded, name: str, state: State) -> None:
    """Another run, as the ledger has it."""
    run.sql(
        "INSERT INTO crossfade.runs (name, digest, plan, program, state) VALUES (%s, 'sha256:2', %s, %s, %s)",
        [name, Jsonb({}), Jsonb({}), state.value],
    )


def test_the_latest_run_of_the_name_counts(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "gates: {expand: [plan: {name: first, state: backfilled}], backfill: [plan: {name: first}]}")

    def verdicts() -> list[Verdict]:
        return [run.gates(phase)["plan"].verdict for phase in (Phase.EXPAND, Phase.BACKFILL)]

    def set_state(state: State) -> None:
        run.sql(
            "UPDATE crossfade.runs SET state = %s WHERE id = (SELECT max(id) FROM crossfade.runs WHERE name = 'first')",
            [state.value],
        )

    add(run, "first-and-more", State.CONTRACTED)
    assert verdicts() == [UNKNOWN, UNKNOWN]
    assert run.gates(Phase.EXPAND)["plan"].reason == "there is no run first"
    add(run, "first", State.BACKFILLED)
    assert verdicts() == [PASS, BLOCKED]
    set_state(State.RETAINED)
    assert verdicts() == [PASS, BLOCKED]
    set_state(State.ROLLED_BACK)
    assert verdicts() == [BLOCKED, BLOCKED]
    # A newer run of the name is the one that is meant, however far the one before had come.
    add(run, "first", State.PLANNED)
    assert verdicts() == [BLOCKED, BLOCKED]
    set_state(State.CONTRACTED)
    assert verdicts() == [PASS, PASS]


def test_in_words_it_says_the_name_and_the_state() -> None:
    assert in_words(OtherPlan(name="first")) == "run first is contracted"
    assert in_words(OtherPlan(name="first", state="expanded")) == "run first is expanded or past it"
