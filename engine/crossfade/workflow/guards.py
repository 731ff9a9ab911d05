"""Before a run turns back: what would be destroyed that exists nowhere else, and what cannot be taken back.

It is looked at before the run turns round, so that a refusal leaves everything as it is; what would be destroyed, and
rows that do not fit, also right before the step is taken back, which may be hours later. No look holds a lock that
anybody waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from crossfade.errors import BaselineChanged, Irreversible, RowsInTheWay, WouldDiscard, WrongState
from crossfade.operations.step import Guard, InTheWay, Part, Step
from crossfade.postgres.statement import render
from crossfade.workflow import (
    baseline,
    constraint_names,
    constraints_back,
    constraints_fit,
    dependents_back,
    ledger,
    names_back,
    own_triggers,
    reference_rights,
    rows_named,
    rows_unseen,
)
from crossfade.workflow.baseline_words import taken_names
from crossfade.workflow.in_its_place import in_its_place
from crossfade.workflow.session import Session
from crossfade.workflow.shape_of_detached import passes_over, past_detached
from crossfade.workflow.states import State
from crossfade.workflow.way_back import IN_WORDS, TAKEN_BACK, has_dropped, in_the_way

Connection = psycopg.Connection[Any]
_ROW_SECURITY = "SELECT pg_catalog.set_config('row_security', %s, false)"


def look_before_turning(session: Session, through: State) -> None:
    """Look at what would be taken back in the state that leads back.

    Raises WrongState where the old data is dropped, or the way leads forwards again and a step would have to come
    before others that stand; BaselineChanged where others renamed what its statements look for, took a name that comes
    back, or built something on what goes, or where our role cannot look for rows that do not fit, or may not refer to a
    table that it has to; Irreversible where the plan says of a step that it cannot be taken back, WouldDiscard where
    that would destroy something, unless that is wanted, RowsInTheWay where rows do not fit what they would go back to,
    and VerificationFailed where a hidden column has not followed.
    """
    if through is State.CONTRACTING:
        _refuse_gap(session)
    if through not in TAKEN_BACK:
        return
    baseline.refuse_renamed(session)
    states = ledger.step_states(session.work, session.run_id)
    if through is State.REVERTING and has_dropped(session.program, states):
        raise WrongState(
            f"run {session.name} has dropped what it hid, or a part of it; it cannot be reverted any more",
            hint=f"Go on with: crossfade contract {session.name}",
        )
    stays = in_the_way(session.program, states, through)
    if stays is not None:
        raise Irreversible(session.name, IN_WORDS[through], stays.title, stays.irreversible or "", location=stays.id)
    if through is State.REVERTING:
        baseline.refuse_to_lose(session)
    back = session.program.of(*TAKEN_BACK[through])
    done = past_detached(session, (s for s in back if states.get(s.id) == "done"))
    refuse_others(session, tuple(s for s in back if states.get(s.id) == "running" and not s.transactional))
    _refuse_names(session, done, IN_WORDS[through])
    _refuse_without_right(session, done, IN_WORDS[through])
    _refuse_unfit(session, done, IN_WORDS[through])
    taken_along = {other for step in done for other in step.takes_along}
    _refuse_dependents(session, tuple(s for s in done if s.id not in taken_along), IN_WORDS[through])
    refuse_to_discard(session, done)
    refuse_rows(session, done)
    if through is State.REVERTING:
        own_triggers.compare_hidden(session)
    _refuse_unseen(session, done, IN_WORDS[through])


def _refuse_gap(session: Session) -> None:
    states = ledger.step_states(session.work, session.run_id)
    missing = None
    for step in session.program.of(Part.HIDE):
        if states.get(step.id) != "done":
            missing = missing or step
        elif missing is not None:
            raise WrongState(
                f"run {session.name} cannot be contracted from here: to {missing.title} would have to come before what "
                "the revert has not taken back yet",
                hint=f"Let the revert finish first: crossfade revert {session.name}",
                location=missing.id,
            )


def _refuse_names(session: Session, steps: tuple[Step, ...], in_words: str) -> None:
    """Raises BaselineChanged where others have taken a name that comes back, or given another to what gets it."""
    with session.work.transaction():
        gone = session.work.execute(
            "SELECT EXISTS (SELECT FROM crossfade.baselines b WHERE b.run_id = %s"
            " AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = b.relation))",
            [session.run_id],
        ).fetchone()
        # Once that is noted, the baseline has it no more.
        lenient = bool(gone and gone[0]) or baseline.lost_a_table(session)
        found = tuple(dict.fromkeys(names_back.in_the_way(session.work, steps, lenient=lenient)))
    _raise_names(session, found, in_words)


def _refuse_unfit(session: Session, steps: tuple[Step, ...], in_words: str) -> None:
    """Raises BaselineChanged where what comes back cannot be beside what others have done."""
    with session.work.transaction():
        looks = (
            *constraints_fit.in_the_way(session.work, steps),
            *constraint_names.in_the_way(session.work, steps),
        )
    if looks:
        found = tuple(dict.fromkeys(looks))
        raise BaselineChanged(
            f"run {session.name} cannot be {in_words}, since somebody else changed what it needs: {'; '.join(found)}",
            changes=found,
            hint="Nothing was done. Change that back, and run the same command again.",
        )


def _refuse_without_right(session: Session, steps: tuple[Step, ...], in_words: str) -> None:
    """Raises BaselineChanged where our role may not go the way back; the looks after this one need what it asks for."""
    with session.work.transaction():
        found = tuple(dict.fromkeys(reference_rights.in_the_way(session.work, steps)))
    _raise_as_it_is(session, found, in_words)


def _refuse_unseen(session: Session, steps: tuple[Step, ...], in_words: str) -> None:
    """Raises BaselineChanged where our role cannot look for what would stop the way back."""
    validated = constraints_back.validated_by(session.program.steps)
    with session.work.transaction():
        found = tuple(dict.fromkeys(rows_unseen.in_the_way(session.work, steps, validated)))
    _raise_as_it_is(session, found, in_words)


def _raise_as_it_is(session: Session, found: tuple[str, ...], in_words: str) -> None:
    if found:
        raise BaselineChanged(
            f"run {session.name} cannot be {in_words} as things are: {'; '.join(found)}",
            changes=found,
            hint="Nothing was done. See to that, and run the same command again.",
        )


def refuse_others(session: Session, steps: tuple[Step, ...]) -> None:
    """Raises BaselineChanged where the undo would drop what others have put in the place of what the run made."""
    with session.work.transaction():
        found = tuple(dict.fromkeys(in_its_place(session.work, session.run_id, session.program.steps, steps)))
    reverts = any(step.part is Part.HIDE for step in steps)
    _raise_names(session, found, IN_WORDS[State.REVERTING if reverts else State.ROLLING_BACK])


def refuse_to_remove_others(session: Session, step: Step) -> None:
    """Within a transaction, before a step removes what an earlier attempt may have left. Raises BaselineChanged where
    that is what others have put in its place."""
    if passes_over(session, step):
        return
    steps = (replace(step, undo=step.cleanup),)
    found = tuple(dict.fromkeys(in_its_place(session.work, session.run_id, session.program.steps, steps)))
    if found:
        raise taken_names(session.name, step, found)


def _raise_names(session: Session, found: tuple[str, ...], in_words: str) -> None:
    if found:
        raise BaselineChanged(
            f"run {session.name} cannot be {in_words}, since somebody else changed names that it needs: "
            f"{'; '.join(found)}",
            changes=found,
            hint="Nothing was done. Give that its name back, or what has taken one another name, and run the same "
            "command again.",
        )


def _refuse_dependents(session: Session, steps: tuple[Step, ...], in_words: str) -> None:
    """Raises BaselineChanged where others have built something on what the undo drops."""
    with session.work.transaction():
        found = tuple(dict.fromkeys(dependents_back.in_the_way(session.work, steps)))
    if found:
        raise BaselineChanged(
            f"run {session.name} cannot be {in_words}, since it would drop what somebody else has built on: "
            f"{'; '.join(found)}",
            changes=found,
            hint="Nothing was done. Drop that, or make it without what goes, and run the same command again.",
        )


def refuse_to_discard(session: Session, steps: Iterable[Step]) -> None:
    """Raises WouldDiscard where the undo of one of these steps would destroy something, unless that is wanted, and
    BaselineChanged where that is somebody else's, which nobody can want."""
    steps = tuple(steps)
    refuse_others(session, steps)
    guards = {guard.what: guard for step in steps for guard in step.guards}
    if session.discards or not guards:
        return
    with _reading(session) as connection:
        found = tuple(said for guard in guards.values() for said in _would_go(connection, guard))
    if found:
        raise WouldDiscard(session.name, found, reverts=any(step.part is Part.HIDE for step in steps))


def refuse_rows(session: Session, steps: Iterable[Step]) -> None:
    """Raises RowsInTheWay where the undo of one of these steps would fail for rows."""
    steps = tuple(steps)
    validated = constraints_back.validated_by(session.program.steps)
    ways = tuple((step.id, way) for step in steps for way in step.in_the_way)
    back = tuple(constraints_back.coming_back(steps, validated))
    if not ways and not back:
        return
    with _reading(session) as connection:
        found = [
            (step, said) for step, way in ways for said in _seen(connection, partial(_do_not_fit, connection, way))
        ]
        found += [
            (one.step, said)
            for one in back
            for said in _seen(connection, partial(constraints_back.refused, connection, one))
        ]
    if found:
        reverts = any(step.part is Part.HIDE for step in steps)
        raise RowsInTheWay(session.name, tuple(said for _, said in found), reverts=reverts, location=found[0][0])


@contextmanager
def _reading(session: Session) -> Iterator[Connection]:
    with session.connect() as connection:
        # A default of the plan may be compared with: names in it mean what they mean to the users.
        connection.execute("RESET search_path")
        # It may read a whole table; row security must not hide from it what would go.
        connection.execute("SELECT pg_catalog.set_config('statement_timeout', '0', false)")
        connection.execute(_ROW_SECURITY, ["off"])
        yield connection


def _seen(connection: Connection, look: Callable[[], Iterator[str]]) -> tuple[str, ...]:
    """What is found in the rows, or in those that row security lets our role see: the step sees the others."""
    try:
        return tuple(look())
    except psycopg.errors.InsufficientPrivilege:
        connection.execute(_ROW_SECURITY, ["on"])
    try:
        return tuple(look())
    except psycopg.errors.InsufficientPrivilege:
        return ()
    finally:
        connection.execute(_ROW_SECURITY, ["off"])


def _would_go(connection: Connection, guard: Guard) -> Iterator[str]:
    there = connection.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", [guard.relation]).fetchone()
    if there is None or not there[0]:
        return
    try:
        row = connection.execute(guard.query.encode()).fetchone()
    except psycopg.ProgrammingError as error:
        # Only evidence that there is none lets it pass.
        yield f"perhaps {guard.what}, which cannot be looked up ({error.diag.message_primary})"
        return
    if row and row[0]:
        named = "" if guard.rows is None else rows_named.named(connection, guard.relation, guard.rows)
        yield f"{guard.what} ({named})" if named else guard.what


def _do_not_fit(connection: Connection, way: InTheWay) -> Iterator[str]:
    names = connection.execute(
        "SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass(%s)"
        " AND a.attname = ANY (%s) AND NOT a.attisdropped",
        [way.relation, list(way.columns)],
    ).fetchall()
    column = next((name for name in way.columns if (name,) in names), None)
    if column is not None:
        named = rows_named.named(connection, way.relation, render(sql.SQL("{} IS NULL").format(sql.Identifier(column))))
        if named:
            last = way.columns[-1]
            back = f"which is the NOT NULL {last} again then" if column != last else "which is NOT NULL again then"
            yield f"NULL in {way.relation}.{column}, {back} ({named})"
