"""The machine is total, deterministic, and lets nothing through without proof."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossfade.operations.step import Part, Phase, RowChange, Step
from crossfade.postgres.statement import Statement
from crossfade.workflow import machine
from crossfade.workflow.machine import Facts, Run, decide
from crossfade.workflow.program import Program
from crossfade.workflow.states import FINAL, FORWARD, TRANSITIONS, Event, State, after
from crossfade.workflow.way_back import has_dropped

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def step(name: str, part: Part) -> Step:
    return Step(id=name, part=part, title=name, statements=(Statement(text="SELECT 1"),), done="SELECT true")


FULL = Program(
    plan="p",
    steps=(
        step("add", Part.EXPAND),
        step("index", Part.SEAL),
        step("analyze", Part.SEAL),
        step("hide", Part.HIDE),
        step("drop", Part.DROP),
    ),
    rows=(RowChange(id="rows", schema="s", table="t", old=("a",), new=("b",), assignment="b = a", pending="b <> a"),),
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


# What can be done in each state, by the kind of effect and what it is about: a phase, a part or an event.
POSSIBLE: Mapping[State, frozenset[tuple[type, object]]] = {
    State.PLANNED: frozenset(
        {(machine.Ask, Phase.EXPAND), (machine.Wait, None), (machine.Finish, Event.BEGIN_EXPAND)},
    ),
    State.EXPANDING: frozenset({(machine.Execute, Part.EXPAND), (machine.Finish, Event.FINISH_EXPAND)}),
    State.EXPANDED: frozenset(
        {(machine.Ask, Phase.BACKFILL), (machine.Wait, None), (machine.Finish, Event.BEGIN_BACKFILL)},
    ),
    State.BACKFILLING: frozenset(
        {
            (machine.RunBatches, None),
            (machine.Execute, Part.SEAL),
            (machine.Verify, None),
            (machine.Finish, Event.FINISH_BACKFILL),
        }
    ),
    State.BACKFILLED: frozenset(
        {
            (machine.Ask, Phase.CONTRACT),
            (machine.Wait, None),
            (machine.Confirm, None),
            (machine.Verify, None),
            (machine.Finish, Event.BEGIN_CONTRACT),
        }
    ),
    State.CONTRACTING: frozenset(
        {
            (machine.Ask, Phase.CONTRACT),
            (machine.Wait, None),
            (machine.Confirm, None),
            (machine.Verify, None),
            (machine.Execute, Part.HIDE),
            (machine.Finish, Event.CALL_OFF),
            (machine.Finish, Event.FINISH_HIDE),
        }
    ),
    State.RETAINED: frozenset({(machine.Wait, None), (machine.Confirm, None), (machine.Finish, Event.BEGIN_DROP)}),
    State.DROPPING: frozenset({(machine.Execute, Part.DROP), (machine.Finish, Event.FINISH_DROP)}),
    State.CONTRACTED: frozenset(),
    State.REVERTING: frozenset({(machine.Undo, Part.HIDE), (machine.Finish, Event.FINISH_REVERT)}),
    State.ROLLING_BACK: frozenset(
        {
            (machine.Undo, Part.EXPAND),
            (machine.Undo, Part.SEAL),
            (machine.Undo, Part.HIDE),
            (machine.Finish, Event.FINISH_ROLLBACK),
        }
    ),
    State.ROLLED_BACK: frozenset(),
}
FINISHED_PARTS = {
    Event.FINISH_EXPAND: (Part.EXPAND,),
    Event.FINISH_BACKFILL: (Part.SEAL,),
    Event.FINISH_HIDE: (Part.HIDE,),
    Event.FINISH_DROP: (Part.DROP,),
}
UNDONE_PARTS = {
    Event.FINISH_REVERT: (Part.HIDE,),
    Event.FINISH_ROLLBACK: (Part.EXPAND, Part.SEAL, Part.HIDE),
}


def about(effect: machine.Effect) -> object:
    match effect:
        case machine.Ask(phase):
            return phase
        case machine.Execute(one) | machine.Undo(one):
            return one.part
        case machine.Finish(event):
            return event
    return None


def is_due(effect: machine.Effect, run: Run, facts: Facts) -> bool:
    """Whether there is something left for this effect to do, and nothing that has to come before it."""
    begun = {s.id for s in run.program.steps if run.steps.get(s.id) in ("running", "done")}
    undone = [s for s in run.program.steps if run.steps.get(s.id) != "done"]
    match effect:
        case machine.Ask():
            return facts.blockers is None
        case machine.Confirm():
            return not facts.confirmed
        case machine.RunBatches():
            return not facts.filled
        case machine.Verify():
            return not facts.verified
        case machine.Wait(blockers):
            return bool(blockers)
        case machine.Execute(one):
            return one == next(s for s in undone if s.part is one.part)
        case machine.Undo(one):
            return one.id in begun
        case machine.Finish(event):
            made = not any(s.part in FINISHED_PARTS.get(event, ()) for s in undone)
            taken_back = not any(s.id in begun for s in run.program.of(*UNDONE_PARTS.get(event, ())))
            return made and taken_back and after(run.state, event) is not None
        case machine.Rest():
            return machine.reached(run.state, run.goal)
        case machine.Halt():
            # Without a reason from outside it stands still only where it is over, or where nobody has turned it round.
            never_begun = run.goal is State.ROLLED_BACK and run.state is not State.ROLLING_BACK
            return facts.stop is not None or run.state in FINAL or never_begun
    raise AssertionError(effect)


@given(programs, states, goals, step_states, facts_of_any_kind)
def test_every_state_has_one_answer_that_is_possible_there(
    program: Program, state: State, goal: State, steps: dict[str, str], facts: Facts
) -> None:
    run = Run(state=state, goal=goal, program=program, steps=steps)
    effect = decide(run, facts)
    equal = Run(state=state, goal=goal, program=program, steps=dict(reversed(steps.items())))
    assert decide(equal, replace(facts)) == effect
    if not isinstance(effect, machine.Rest | machine.Halt):
        assert (type(effect), about(effect)) in POSSIBLE[state]
    assert is_due(effect, run, facts), effect


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


@given(step_states, facts_of_any_kind, st.timedeltas(timedelta(days=-30), timedelta(days=30)))
@example({}, Facts(confirmed=True), timedelta(0))
@example({}, Facts(confirmed=True), timedelta(microseconds=1))
def test_nothing_is_dropped_before_retain_is_over(steps: dict[str, str], facts: Facts, left: timedelta) -> None:
    known = replace(facts, now=NOW, retain_until=NOW + left, stop=None)
    effect = decide(Run(state=State.RETAINED, goal=State.CONTRACTED, program=FULL, steps=steps), known)
    if left > timedelta(0):
        assert isinstance(effect, machine.Wait)
        assert effect.until == NOW + left
    else:
        assert effect == (
            machine.Finish(Event.BEGIN_DROP) if facts.confirmed else machine.Confirm("drop the old data for good")
        )


@given(programs, states, goals, step_states, facts_of_any_kind)
def test_a_paused_run_only_halts_or_rests(
    program: Program, state: State, goal: State, steps: dict[str, str], facts: Facts
) -> None:
    run = Run(state=state, goal=goal, program=program, steps=steps, paused="lunch")
    effect = decide(run, facts)
    if state is State.CONTRACTING and not run.has_hidden and not isinstance(effect, machine.Halt | machine.Rest):
        # Old versions are let in again before it rests.
        assert effect == machine.Finish(Event.CALL_OFF)
        effect = decide(replace(run, state=State.BACKFILLED), facts)
    assert isinstance(effect, machine.Halt | machine.Rest)


def follow(program: Program, goal: State, *, kill_after: int | None = None) -> list[machine.Effect]:
    """Play the effects as the runner would; a kill loses what only the runner knew."""
    state, facts = State.PLANNED, Facts(now=NOW, retain_until=NOW)
    steps: dict[str, str] = {}
    seen: list[machine.Effect] = []
    for number in range(200):
        effect = decide(Run(state=state, goal=goal, program=program, steps=steps), facts)
        seen.append(effect)
        if isinstance(effect, machine.Rest):
            return seen
        if kill_after == number:
            facts = Facts(now=NOW, retain_until=NOW)
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


@given(states, step_states, facts_of_any_kind)
def test_nothing_leads_forwards_where_a_rollback_is_wanted(state: State, steps: dict[str, str], facts: Facts) -> None:
    """A run that moved on while a person was asked."""
    if state in (State.ROLLING_BACK, State.ROLLED_BACK):
        return
    run = Run(state=state, goal=State.ROLLED_BACK, program=FULL, steps=steps)
    assert isinstance(decide(run, facts), machine.Halt)


@given(facts_of_any_kind)
def test_nothing_is_dropped_where_a_time_is_not_known(facts: Facts) -> None:
    for unknown in (replace(facts, now=None, stop=None), replace(facts, retain_until=None, stop=None)):
        effect = decide(Run(state=State.RETAINED, goal=State.CONTRACTED, program=FULL), unknown)
        assert isinstance(effect, machine.Wait)


def test_an_empty_phase_passes_through_without_gates() -> None:
    asked = [e.phase for e in follow(ONLY_EXPAND, State.CONTRACTED) if isinstance(e, machine.Ask)]
    assert asked == [Phase.EXPAND]


def test_after_the_comparison_the_gates_are_asked_again() -> None:
    effects = follow(FULL, State.CONTRACTED)
    comparison = max(i for i, e in enumerate(effects) if isinstance(e, machine.Verify))
    assert effects[comparison + 1] == machine.Ask(Phase.CONTRACT)


def test_the_gates_are_asked_anew_behind_the_fence() -> None:
    effects = follow(FULL, State.CONTRACTED)
    raised = effects.index(machine.Finish(Event.BEGIN_CONTRACT))
    assert effects[raised + 1] == machine.Ask(Phase.CONTRACT)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ({}, machine.Finish(Event.CALL_OFF)),
        ({"hide": "running"}, machine.Finish(Event.CALL_OFF)),
        ({"hide": "done"}, machine.Finish(Event.FINISH_HIDE)),
    ],
)
def test_gates_that_close_behind_the_fence_call_contract_off_while_nothing_is_hidden(
    steps: dict[str, str], expected: machine.Effect
) -> None:
    facts = Facts(blockers=("api 1.4.0 on pod-7",), confirmed=True, verified=True)
    assert decide(Run(state=State.CONTRACTING, goal=State.CONTRACTED, program=FULL, steps=steps), facts) == expected


def test_contract_that_is_half_done_waits_for_its_gates_where_it_is() -> None:
    halves = (step("hide", Part.HIDE), replace(step("hide too", Part.HIDE), transactional=False))
    program = replace(FULL, steps=halves)
    facts = Facts(blockers=("api 1.4.0 on pod-7",), confirmed=True, verified=True)
    for steps in ({"hide": "done"}, {"hide too": "running"}):
        run = Run(state=State.CONTRACTING, goal=State.CONTRACTED, program=program, steps=steps)
        assert decide(run, facts) == machine.Wait(facts.blockers or ())


def test_rolling_back_undoes_in_reverse_what_was_begun() -> None:
    steps = {"add": "done", "index": "running"}
    run = Run(state=State.ROLLING_BACK, goal=State.ROLLED_BACK, program=FULL, steps=steps)
    first = decide(run, Facts())
    assert first == machine.Undo(FULL.steps[1])
    assert decide(Run(state=run.state, goal=run.goal, program=FULL, steps={"add": "done"}), Facts()) == machine.Undo(
        FULL.steps[0]
    )
    assert decide(Run(state=run.state, goal=run.goal, program=FULL), Facts()) == machine.Finish(Event.FINISH_ROLLBACK)


WELL, BADLY, KILLED, ROLLBACK, REVERT = "well", "badly", "killed", "rollback", "revert"
PROOFS: tuple[type, ...] = (machine.Ask, machine.Confirm, machine.Verify)
WHERE_HIDDEN = (State.CONTRACTING, State.RETAINED, State.DROPPING, State.CONTRACTED, State.REVERTING)
HAPPENINGS = st.sampled_from([WELL] * 8 + [BADLY, KILLED, ROLLBACK, REVERT])


class Adventure:
    """A run driven by one call after another: an effect goes well or badly, a call is killed, a person turns back.

    It keeps its own record of what was proven in the present call, and holds every effect against it.
    """

    def __init__(self) -> None:
        self.path = [State.PLANNED]
        self.steps: dict[str, str] = {}
        self.call(State.CONTRACTED)

    @property
    def state(self) -> State:
        return self.path[-1]

    def call(self, goal: State) -> None:
        """A new process: nothing counts that was found out, agreed to or compared before."""
        self.goal, self.facts = goal, Facts(now=NOW, retain_until=NOW)
        self.proven: list[tuple[type, State]] = []

    def happens(self, what: str) -> None:
        if what == KILLED:
            self.call(self.goal)
        elif what == ROLLBACK:
            self.turn(Event.BEGIN_ROLLBACK, State.ROLLED_BACK)
        elif what == REVERT:
            self.turn(Event.BEGIN_REVERT, State.BACKFILLED)
        else:
            run = Run(state=self.state, goal=self.goal, program=FULL, steps=self.steps)
            self.perform(decide(run, self.facts), well=what == WELL)

    def turn(self, event: Event, goal: State) -> None:
        target = after(self.state, event)
        if target is not None and not (event is Event.BEGIN_REVERT and has_dropped(FULL, self.steps)):
            self.path.append(target)
            self.call(goal)

    def perform(self, effect: machine.Effect, *, well: bool) -> None:
        self.hold_against_the_record(effect)
        if isinstance(effect, machine.Rest | machine.Halt):
            # Whoever asks next wants it finished.
            self.call(State.CONTRACTED)
        elif isinstance(effect, machine.Wait):
            self.facts = replace(self.facts, blockers=None)
        elif isinstance(effect, machine.Ask) and not well:
            self.facts = replace(self.facts, blockers=("api 1.4.0 on pod-7",))
        elif isinstance(effect, machine.Finish) or well:
            self.proven.append((type(effect), self.state))
            target, self.facts = perform(effect, self.state, self.steps, self.facts)
            self.path += [target] if target is not self.state else []
        else:
            if isinstance(effect, machine.Execute | machine.Undo):
                self.steps[effect.step.id] = "running"
            self.call(self.goal)

    def hold_against_the_record(self, effect: machine.Effect) -> None:
        if isinstance(effect, machine.Halt):
            assert self.state in FINAL
        hides = isinstance(effect, machine.Execute) and effect.step.part is Part.HIDE
        if hides or effect == machine.Finish(Event.BEGIN_CONTRACT):
            proofs = [p for p in self.proven if p[1] in (State.BACKFILLED, State.CONTRACTING) and p[0] in PROOFS]
            before = [kind for kind, _ in proofs]
            assert machine.Confirm in before, "nobody agreed"
            compared = max(n for n, kind in enumerate(before) if kind is machine.Verify)
            assert set(before[compared + 1 :]) == {machine.Ask}, "the gates were not asked after the comparison"
            assert not hides or proofs[-1][1] is State.CONTRACTING, "the gates were not asked behind the fence"
        if effect == machine.Finish(Event.FINISH_BACKFILL):
            before = [k for k, s in self.proven if s is State.BACKFILLING]
            assert machine.RunBatches in before
            assert before[-1] is machine.Verify
        if effect == machine.Finish(Event.BEGIN_DROP):
            assert machine.Confirm in [k for k, _ in self.proven], "nobody agreed"


@given(st.integers(min_value=0, max_value=25), st.lists(HAPPENINGS, max_size=60))
def test_whatever_happens_a_run_ends_whole_and_only_by_way_of_what_it_has_to_pass(
    smooth: int, happenings: list[str]
) -> None:
    run = Adventure()
    for what in [WELL] * smooth + happenings:
        run.happens(what)
    assert not FINAL & set(run.path[:-1]), "a final state was left"
    # A step in a transaction that was only begun has made nothing.
    made = {s.part for s in FULL.steps if run.steps.get(s.id) in ("done", "" if s.transactional else "running")}
    if run.state is State.CONTRACTED:
        assert run.path[-4:] == [State.CONTRACTING, State.RETAINED, State.DROPPING, State.CONTRACTED]
        assert run.steps == {s.id: "done" for s in FULL.steps}
    if run.state is State.ROLLED_BACK:
        assert run.path[-2] is State.ROLLING_BACK
        assert not made
    if run.state not in WHERE_HIDDEN:
        assert Part.HIDE not in made, "hidden where an old version may be live"
    if run.state not in (State.DROPPING, State.CONTRACTED):
        assert Part.DROP not in made, "dropped where it could be reverted"


def test_rollback_is_offered_up_to_backfilled_and_revert_while_old_data_is_kept() -> None:
    offers_rollback = {s for s in State if after(s, Event.BEGIN_ROLLBACK)}
    assert offers_rollback == set(FORWARD[: FORWARD.index(State.BACKFILLED) + 1])
    assert {s for s in State if after(s, Event.BEGIN_REVERT)} == {
        State.RETAINED,
        State.CONTRACTING,
        State.DROPPING,
    }


PICTURE = """
planned → expanding → expanded → backfilling → backfilled → contracting → retained → dropping → contracted
             └─────────┴────────────┴─────────────┴→ rolling_back → rolled_back
                                                   retained → reverting → backfilled
"""
"""Section 4 of the design."""
BESIDES = {
    # Nothing was made yet, so there is nothing to turn back from either.
    ("planned", "rolling_back"),
    # Half hidden, for example because a lock cannot be had.
    ("contracting", "reverting"),
    # Nothing is dropped yet, for example because something needs it.
    ("dropping", "reverting"),
    # A revert that does not come to its end.
    ("reverting", "contracting"),
    # A gate closed behind the fence, and nothing is hidden.
    ("contracting", "backfilled"),
    # A change of data cannot be rolled back; the state says that it stays as it is.
    ("rolling_back", "cancelled"),
}


def drawn() -> set[tuple[str, str]]:
    """The arrows of the picture; a branch leaves every word that stands above a corner of its line."""
    way, branches, back = PICTURE.strip("\n").splitlines()
    words = [re.findall(r"\w+", line) for line in (way, branches, back)]
    corners = [m.start() for m in re.finditer("[└┴]", branches)]
    above = [m[0] for m in re.finditer(r"\w+", way) if any(m.start() <= c < m.end() for c in corners)]
    assert len(above) == len(corners)
    return {edge for line in words for edge in pairwise(line)} | {(word, words[1][0]) for word in above}


def test_the_table_has_the_edges_of_the_design_and_no_other() -> None:
    edges = [(source.value, target.value) for (source, _), target in TRANSITIONS.items()]
    assert set(edges) == drawn() | BESIDES
    assert len(edges) == len(set(edges)), "two events for one edge"
