"""The machine is total, deterministic, and lets nothing through without proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.operations.step import Part, Phase, RowChange, Step
from crossfade.workflow import machine
from crossfade.workflow.machine import Facts, Run, decide
from crossfade.workflow.program import Program
from crossfade.workflow.states import FINAL, FORWARD, TRANSITIONS, Event, State, after, diagram

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def step(name: str, part: Part) -> Step:
    return Step(id=name, part=part, title=name, statements=(), done="SELECT true")


FULL = Program(
    plan="p",
    steps=(
        step("add", Part.EXPAND),
        step("index", Part.SEAL),
        step("analyze", Part.SEAL),
        step("hide", Part.HIDE),
        step("drop", Part.DROP),
    ),
    rows=(
        RowChange(
            id="rows", schema="s", table="t", old="a", new="b", assignment="b = a", pending="b <> a", hidden="hidden"
        ),
    ),
)
EMPTY = Program(plan="p", steps=(), rows=())
ONLY_EXPAND = Program(plan="p", steps=(step("add", Part.EXPAND),), rows=())
PROGRAMS = (FULL, EMPTY, ONLY_EXPAND)

programs = st.sampled_from(PROGRAMS)
states = st.sampled_from(list(State))
goals = st.sampled_from([*FORWARD, State.ROLLED_BACK])
facts_of_any_kind = st.builds(
    Facts,
    blockers=st.sampled_from([None, (), ("api 1.4.0 on pod-7",)]),
    confirmed=st.booleans(),
    filled=st.booleans(),
    verified=st.booleans(),
    now=st.sampled_from([None, NOW]),
    retain_until=st.sampled_from([None, NOW - timedelta(1), NOW + timedelta(1)]),
    stop=st.sampled_from([None, "interrupted"]),
)
step_states = st.dictionaries(
    st.sampled_from([s.id for s in FULL.steps]), st.sampled_from(["running", "done", "undone"])
)


@given(programs, states, goals, step_states, facts_of_any_kind)
def test_every_state_has_the_same_answer_each_time(
    program: Program, state: State, goal: State, steps: dict[str, str], facts: Facts
) -> None:
    run = Run(state=state, goal=goal, program=program, steps=steps)
    assert decide(run, facts) == decide(run, facts)


@given(programs, states, goals, step_states, facts_of_any_kind)
def test_a_move_that_is_decided_on_is_in_the_table(
    program: Program, state: State, goal: State, steps: dict[str, str], facts: Facts
) -> None:
    effect = decide(Run(state=state, goal=goal, program=program, steps=steps), facts)
    if isinstance(effect, machine.Finish):
        assert after(state, effect.event) is not None


@given(states, goals, step_states, facts_of_any_kind)
def test_nothing_is_hidden_without_passing_gates_a_persons_word_and_a_comparison(
    state: State, goal: State, steps: dict[str, str], facts: Facts
) -> None:
    effect = decide(Run(state=state, goal=goal, program=FULL, steps=steps), facts)
    hides = isinstance(effect, machine.Execute) and effect.step.part is Part.HIDE
    begins = effect == machine.Finish(Event.BEGIN_CONTRACT)
    if hides or begins:
        assert facts.blockers == ()
        assert facts.confirmed
        assert facts.verified


@given(goals, step_states, facts_of_any_kind)
def test_nothing_is_dropped_before_retain_is_over(goal: State, steps: dict[str, str], facts: Facts) -> None:
    effect = decide(Run(state=State.RETAINED, goal=goal, program=FULL, steps=steps), facts)
    if effect == machine.Finish(Event.BEGIN_DROP):
        assert facts.retain_until is None or facts.now is None or facts.now >= facts.retain_until


@given(programs, states, goals, step_states, facts_of_any_kind)
def test_a_paused_run_only_halts_or_rests(
    program: Program, state: State, goal: State, steps: dict[str, str], facts: Facts
) -> None:
    effect = decide(Run(state=state, goal=goal, program=program, steps=steps, paused="lunch"), facts)
    assert isinstance(effect, machine.Halt | machine.Rest)


def follow(program: Program, goal: State, *, kill_after: int | None = None) -> list[machine.Effect]:
    """Play the effects as the runner would; a kill loses what only the runner knew."""
    state, facts = State.PLANNED, Facts(now=NOW)
    steps: dict[str, str] = {}
    seen: list[machine.Effect] = []
    for number in range(200):
        effect = decide(Run(state=state, goal=goal, program=program, steps=steps), facts)
        seen.append(effect)
        if isinstance(effect, machine.Rest):
            return seen
        if kill_after == number:
            facts = Facts(now=NOW)
            continue
        state, facts = perform(effect, state, steps, facts)
    raise AssertionError("the run does not end")


def perform(effect: machine.Effect, state: State, steps: dict[str, str], facts: Facts) -> tuple[State, Facts]:
    match effect:
        case machine.Ask():
            return state, replace(facts, blockers=())
        case machine.Confirm():
            return state, replace(facts, confirmed=True)
        case machine.RunBatches():
            return state, replace(facts, filled=True)
        case machine.Verify():
            return state, replace(facts, verified=True, blockers=None)
        case machine.Execute(one):
            steps[one.id] = "done"
            return state, facts
        case machine.Undo(one):
            steps[one.id] = "undone"
            return state, facts
        case machine.Finish(event):
            return TRANSITIONS[state, event], machine.moved(facts, event)
    raise AssertionError(effect)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_run_that_nobody_blocks_ends_contracted(program: Program) -> None:
    assert isinstance(follow(program, State.CONTRACTED)[-1], machine.Rest)


@given(st.integers(min_value=0, max_value=40))
def test_a_kill_at_any_effect_changes_no_step_and_no_order(kill_after: int) -> None:
    killed = executed(follow(FULL, State.CONTRACTED, kill_after=kill_after))
    assert list(dict.fromkeys(killed)) == executed(follow(FULL, State.CONTRACTED))


def executed(effects: list[machine.Effect]) -> list[str]:
    return [e.step.id for e in effects if isinstance(e, machine.Execute)]


def test_an_empty_phase_passes_through_without_gates() -> None:
    asked = [e.phase for e in follow(ONLY_EXPAND, State.CONTRACTED) if isinstance(e, machine.Ask)]
    assert asked == [Phase.EXPAND]


def test_after_the_comparison_the_gates_are_asked_again() -> None:
    effects = follow(FULL, State.CONTRACTED)
    comparison = max(i for i, e in enumerate(effects) if isinstance(e, machine.Verify))
    assert effects[comparison + 1] == machine.Ask(Phase.CONTRACT)


def test_rolling_back_undoes_in_reverse_what_was_begun() -> None:
    steps = {"add": "done", "index": "running"}
    run = Run(state=State.ROLLING_BACK, goal=State.ROLLED_BACK, program=FULL, steps=steps)
    first = decide(run, Facts())
    assert first == machine.Undo(FULL.steps[1])
    assert decide(Run(state=run.state, goal=run.goal, program=FULL, steps={"add": "done"}), Facts()) == machine.Undo(
        FULL.steps[0]
    )
    assert decide(Run(state=run.state, goal=run.goal, program=FULL), Facts()) == machine.Finish(Event.FINISH_ROLLBACK)


@given(st.lists(st.sampled_from(list(Event)), max_size=60))
def test_no_sequence_of_events_leaves_the_table_or_a_final_state(events: list[Event]) -> None:
    state = State.PLANNED
    for event in events:
        target = after(state, event)
        if target is None:
            continue
        assert state not in FINAL
        state = target
    assert state in set(State)


def test_rollback_is_offered_up_to_backfilled_and_revert_while_old_data_is_kept() -> None:
    offers_rollback = {s for s in State if after(s, Event.BEGIN_ROLLBACK)}
    assert offers_rollback == set(FORWARD[: FORWARD.index(State.BACKFILLED) + 1])
    assert {s for s in State if after(s, Event.BEGIN_REVERT)} == {State.RETAINED, State.CONTRACTING}


def test_the_diagram_has_every_edge() -> None:
    text = diagram()
    for (source, event), target in TRANSITIONS.items():
        assert f"{source} --> {target}: {event}" in text
