"""The run's own triggers, and what was written past them: looked at before a run hides, reverts or accepts changes.

A trigger that somebody switched off and on again leaves two shapes that differ, and looks as before; but its row in the
catalog is another one whenever it is altered, and so is its function's. So the rows are compared before anything is
hidden, which counts only while each trigger is the same; and before a revert where one is not as the step that hid has
left it, or calls another function. No look holds a lock that anybody waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from crossfade.backfill.verify import verify
from crossfade.errors import BaselineChanged, VerificationFailed, WrongState
from crossfade.gates.pair_control import Carried, look_up, look_up_triggers
from crossfade.operations.step import PairTrigger, RowChange, Step
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.own_names import mark
from crossfade.workflow.session import Session

Connection = psycopg.Connection[Any]
Versions = Mapping[tuple[int, str], str]
_ENABLE = "ALTER TABLE … ENABLE ALWAYS TRIGGER …"


def refuse_to_accept(connection: Connection, run: str, rows: Iterable[RowChange]) -> None:
    """Raises WrongState where a trigger of ours is disabled or missing: nothing would be in step any more."""
    faults = _faults(_carried(connection, rows))
    if faults:
        raise WrongState(
            f"{'; '.join(faults)}: it keeps the two shapes of run {run} in step, so this cannot be accepted",
            hint=f"Enable it again: {_ENABLE} Rows that were written meanwhile are compared before anything is hidden. "
            f"If it is gone, take the run back: crossfade rollback {run}",
        )


def remember(session: Session) -> None:
    """Before rows are compared: how the triggers are, for `refuse_changed`."""
    session.triggers = _versions(_carried(session.work, session.program.rows))


def refuse_changed(session: Session) -> None:
    """With the locks of a step that hides, or of its undo. Raises BaselineChanged where a trigger is not as it was.

    Writes may have gone past it since the rows were compared.
    """
    carried = _carried(session.work, session.program.rows)
    words = _faults(carried)
    before, now = session.triggers or {}, _versions(carried)
    if not words:
        where = {(c.relation_oid, c.name): c.carrier for c in carried}
        words = tuple(
            f"trigger {key[1]} on {where[key]} was altered, or made anew, since the rows were compared"
            for key in now
            if key in before and before[key] != now[key]
        )
    if words:
        raise BaselineChanged(
            f"run {session.name} stops, since somebody else switched its triggers off: {'; '.join(words)}",
            changes=words,
            hint=f"Nothing was done. Enable each that is off ({_ENABLE}), give one that was renamed its name back, and "
            "run the same command again: the rows are compared anew.",
        )


def keep(session: Session, step: Step) -> None:
    """Within the transaction of a step that hides, after its statements: how it leaves the triggers."""
    carried = (*_carried(session.work, session.program.rows), *_between_tables(session))
    versions = [[*key, version] for key, version in _with_functions(carried).items()]
    session.work.execute(
        "UPDATE crossfade.steps SET triggers = %s WHERE run_id = %s AND id = %s",
        [Jsonb(versions), session.run_id, step.id],
    )


def compare_hidden(session: Session) -> None:
    """Before a revert: whether the hidden columns have followed in every row.

    They have where each trigger is as it was left, and no row is read then. Raises VerificationFailed, with the keys of
    rows in which they have not, and BaselineChanged as `refuse_changed` or where our role is not shown every row.
    Between two tables no rows are compared: BaselineChanged where a trigger is not as it was left.
    """
    _refuse_past_tables(session)
    remember(session)
    refuse_changed(session)
    if _are_as_left(session):
        return
    for change in session.program.rows:
        found = _hidden_in(session.work, change)
        if change.behind and found is not None:
            _compare(session, replace(change, schema=found.schema, table=found.name, pending=change.behind))


def _refuse_past_tables(session: Session) -> None:
    """What was written past a trigger between two tables is in one of them alone."""
    if not session.program.copies:
        return
    carried = _between_tables(session)
    off = tuple(f"trigger {c.name} on {c.carrier} is disabled" for c in carried if c.enabled == "D")
    if off:
        raise BaselineChanged(
            f"run {session.name} cannot be reverted, since somebody else switched its triggers off: {'; '.join(off)}",
            changes=off,
            hint=f"Nothing was done. Enable each ({_ENABLE}), bring what was written meanwhile into both tables, and "
            "run the same command again.",
        )
    left, now = _as_left(session) or {}, _with_functions(carried)
    where = {c.relation_oid: c.carrier for c in carried}
    past = [f"trigger {key[1]} on {where[key[0]]} was altered" for key in now if left.get(key, now[key]) != now[key]]
    # A partition that was detached has lost its own.
    whole = {c.relation_oid for c in carried if not c.inherited}
    gone = [key for key in left if key not in now and key[0] in whole]
    past += [f"trigger {key[1]} on {where[key[0]]} is gone" for key in gone]
    if past:
        raise BaselineChanged(
            f"run {session.name} cannot be reverted, since what was written past its triggers is in one table alone: "
            f"since the contract {'; '.join(past)}",
            changes=tuple(past),
            hint=f"Nothing was done. Go on with: crossfade contract {session.name}. What is to be as before is a plan "
            "of its own then.",
        )


def _between_tables(session: Session) -> tuple[Carried, ...]:
    """Triggers of ours that stand on a table, where the run keeps two tables in step."""
    if not session.program.copies:
        return ()
    rows = session.work.execute(
        "SELECT t.tgrelid::pg_catalog.regclass::pg_catalog.text, t.tgname::pg_catalog.text"
        " FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_description d ON d.objoid = t.oid"
        " WHERE d.classoid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND d.description = %s AND t.tgparentid = 0",
        [mark(session.name)],
    ).fetchall()
    triggers = [PairTrigger(relation=relation, name=name) for relation, name in rows]
    with session.work.transaction():
        return look_up_triggers(session.work, triggers)


def _are_as_left(session: Session) -> bool:
    left, now = _as_left(session), _with_functions(_carried(session.work, session.program.rows))
    return left is not None and all(left.get(key) == version for key, version in now.items())


def _as_left(session: Session) -> Versions | None:
    """How the step that hid last has left the triggers; None in a run of before that was kept."""
    row = session.work.execute(
        "SELECT triggers FROM crossfade.steps WHERE run_id = %s AND state = 'done' AND triggers IS NOT NULL"
        " ORDER BY finished_at DESC LIMIT 1",
        [session.run_id],
    ).fetchone()
    return None if row is None else {(relation, name): version for relation, name, version in row[0]}


def _compare(session: Session, change: RowChange) -> None:
    try:
        result = verify(
            connect=session.connect,
            run_id=session.run_id,
            run_name=session.name,
            change=change,
            should_stop=session.should_stop,
            emit=session.emit,
        )
    except psycopg.errors.InsufficientPrivilege as error:
        said = f"the rows of {change.schema}.{change.table} cannot be compared ({error.diag.message_primary})"
        raise BaselineChanged(
            f"run {session.name} cannot be reverted, since its triggers were altered and {said}",
            changes=(said,),
            hint="Nothing was done. Run the same command as a role that sees every row: one with BYPASSRLS, or the "
            "owner after ALTER TABLE … NO FORCE ROW LEVEL SECURITY.",
        ) from error
    if result.mismatches:
        number = "1 row" if result.mismatches == 1 else f"{result.mismatches} rows"
        raise VerificationFailed(
            f"{change.schema}.{change.table}: {number} in which the hidden {change.old_names} did not follow what was "
            f"written since; nothing was taken back. Keys: {', '.join(result.keys)}",
            hint="Somebody switched the triggers off, or wrote past them. With the triggers enabled, give these rows "
            "another value and then theirs again, so that the hidden columns follow; then run the command again.",
        )


def _hidden_in(connection: Connection, change: RowChange) -> QualifiedName | None:
    """The table that has the hidden columns, by the name that it has now; None where nothing is hidden."""
    row = connection.execute(
        "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text FROM pg_catalog.pg_attribute a"
        " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE a.attname = ANY (%s) AND a.attinhcount = 0 AND NOT a.attisdropped LIMIT 1",
        [[column.hidden for column in change.dropped]],
    ).fetchone()
    return None if row is None else QualifiedName(*row)


def _carried(connection: Connection, rows: Iterable[RowChange]) -> tuple[Carried, ...]:
    """Those of tables that are there."""
    with connection.transaction():
        found = look_up(connection, tuple(rows))
    return tuple(c for carried in found.values() for c in carried if c.relation_oid is not None)


def _faults(carried: Iterable[Carried]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c.fault for c in carried if c.fault))


def _versions(carried: Iterable[Carried]) -> Versions:
    return {(c.relation_oid, c.name): c.version for c in carried if c.relation_oid is not None and c.version}


def _with_functions(carried: Iterable[Carried]) -> Versions:
    """Of each trigger and its function, which steps of ours replace as well until everything is hidden."""
    return {
        (c.relation_oid, c.name): f"{c.version} {c.function_version}"
        for c in carried
        if c.relation_oid is not None and c.version
    }
