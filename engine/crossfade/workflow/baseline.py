"""The baseline of a run: how its tables were after its last step, so that what somebody else changes is noticed.

A program is compiled against the catalog once, and its steps run over hours or days. What the tables look like is kept
when it is compiled, anew in the transaction of each step, and after each undo; so what a step of ours changes is never
taken for somebody else's doing, nor by another run on the same table. Before each step the tables are compared. What is
new and has nothing to do with the plan's columns is noted and kept; anything else stops the run with BaselineChanged.
Turning back asks only whether what it takes back has its name still, and a revert whether anything was made on what is
going to be a twin again: anything else is noted. A change of rows has no baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.errors import BaselineChanged, WouldDiscard, WrongState
from crossfade.operations.step import Part, Phase, Step
from crossfade.plan.model import Plan
from crossfade.postgres.names import quoted
from crossfade.postgres.own_names import is_own_name, mark
from crossfade.workflow import baseline_rows, ledger, names_back
from crossfade.workflow.affected_names import backwards, left_by
from crossfade.workflow.baseline_words import Ahead, changed, missing_names, nothing_to_accept, refuse_to_accept
from crossfade.workflow.change_bearing import Bearing, TableChange
from crossfade.workflow.program import from_json
from crossfade.workflow.shape_of_detached import past_detached
from crossfade.workflow.states import FINAL
from crossfade.workflow.table_changes import TableDifference, changes_of, renamed_columns
from crossfade.workflow.what_goes import columns_of_run, going, types_that_go

if TYPE_CHECKING:
    from crossfade.workflow.ledger import RunRow
    from crossfade.workflow.session import Session

Connection = psycopg.Connection[Any]
_NOTED = frozenset({Bearing.APART, Bearing.PARTITION})


def check(session: Session, ahead: Ahead, left: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Within a transaction, before what is ahead: others' changes, in words.

    `left` is what an earlier attempt at the step may have left. Raises BaselineChanged for what the run cannot go on
    with.
    """
    step = ahead if isinstance(ahead, Step) else None
    part = step.part if step is not None else ahead
    # The rows of a new partition are compared before anything is hidden; one that came since then is not.
    noted = _NOTED - {Bearing.PARTITION} if part is Part.HIDE else _NOTED
    if part is Part.DROP:
        # There is nothing left to drop on it.
        noted |= {Bearing.GONE}
    found = baseline_rows.changed_since(session.work, session.run_id)
    types = types_that_go(session.program, ledger.step_states(session.work, session.run_id))
    changes = (*_changes(session, found, left), *baseline_rows.new_users(session.work, session.run_id, types))
    stopping = tuple(c for c in changes if c.bearing not in noted)
    if stopping:
        raise changed(session.name, ahead, stopping)
    _refuse_another_in_its_place(session, found)
    if part in (Part.HIDE, Phase.CONTRACT):
        _refuse_missing(session, ahead)
    return _note(session, step, found, changes)


def note(session: Session, step: Step, left: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """As `check`, for the undo of a step, which stops for nothing but what it would not find any more."""
    found = baseline_rows.changed_since(session.work, session.run_id)
    _refuse_renamed(session, found)
    if step.part is Part.HIDE:
        _refuse_to_lose(session, found, left)
    return _note(session, step, found, _changes(session, found, left))


def note_turning(session: Session) -> None:
    """Once a run has turned back: what others have changed keeps it from nothing any more, and is noted."""
    with session.work.transaction():
        ledger.prove_lease(session.work, session.run_id, session.token)
        found = baseline_rows.changed_since(session.work, session.run_id)
        _note(session, None, found, _changes(session, found, left_behind(session)))


def refuse_renamed(session: Session) -> None:
    """Before a run turns back. Raises BaselineChanged where others gave a table, or a column of ours, another name."""
    with session.work.transaction():
        _refuse_renamed(session, baseline_rows.changed_since(session.work, session.run_id))


def refuse_to_lose(session: Session) -> None:
    """Before a run is reverted. Raises WouldDiscard where others made something on what goes back to be a twin."""
    with session.work.transaction():
        _refuse_to_lose(session, baseline_rows.changed_since(session.work, session.run_id), left_behind(session))


def left_behind(session: Session) -> frozenset[str]:
    """What steps outside a transaction that were cut off may have left."""
    states = ledger.step_states(session.work, session.run_id)
    return frozenset(name for s in session.program.steps if states.get(s.id) == "running" for name in left_by(s))


def lost_a_table(session: Session) -> bool:
    """Whether somebody else dropped a table of the run, or a partition, so that statements may not find it."""
    row = session.work.execute(
        "SELECT EXISTS (SELECT FROM crossfade.events WHERE run_id = %s AND kind = 'table_changed' AND data ? 'gone')",
        [session.run_id],
    ).fetchone()
    return bool(row and row[0])


def _refuse_renamed(session: Session, found: tuple[TableDifference, ...]) -> None:
    both = [d for d in found if d.kept is not None and d.found is not None]
    words = [w for d in both for w in (*_another_name(d), *_another_name_of_ours(session, d))]
    if words:
        raise BaselineChanged(
            f"run {session.name} cannot be taken back, since its statements do not find what somebody else renamed: "
            f"{'; '.join(words)}",
            changes=tuple(words),
            hint="Nothing was done. Give it its name back, and run the same command again; it can have another one "
            "when the run is over.",
        )
    _refuse_another_in_its_place(session, found)


def _refuse_to_lose(session: Session, found: tuple[TableDifference, ...], left: frozenset[str]) -> None:
    states = ledger.step_states(session.work, session.run_id)
    done = [step for step in session.program.of(Part.HIDE) if states.get(step.id) == "done"]
    texts = backwards(done)
    columns = columns_of_run(session.plan, session.program, states)
    columns = replace(columns, made=frozenset(), named=frozenset(), phase="revert")
    back = going(columns, texts)
    lost = tuple(
        change.text
        for change in changes_of(
            found, replace(back, rights=baseline_rows.rights_of(session.work, session.run_id, found))
        )
        if not change.is_gone
        and change.made_alone not in left
        and change.bearing in (Bearing.LOSES, Bearing.UNEVEN, Bearing.HOLDS, Bearing.AGAIN)
    )
    lost += tuple(change.text for change in baseline_rows.new_users(session.work, session.run_id, tuple(back.types)))
    if lost:
        raise WouldDiscard(session.name, lost, reverts=True)


def _refuse_missing(session: Session, ahead: Ahead) -> None:
    """What the steps that hide look for by its name, and which is not a matter of a table's own items alone."""
    states = ledger.step_states(session.work, session.run_id)
    if any(states.get(step.id) != "done" for step in session.program.of(Part.EXPAND, Part.SEAL)):
        # They make some of it.
        return
    pending = (step for step in session.program.of(Part.HIDE) if states.get(step.id) != "done")
    missing = tuple(dict.fromkeys(names_back.not_there(session.work, past_detached(session, pending))))
    if missing:
        raise missing_names(session.name, ahead, missing)


def _refuse_another_in_its_place(session: Session, found: tuple[TableDifference, ...]) -> None:
    """A statement that drops a view does not pass over a table."""
    for difference in found:
        view = (difference.kept or {}).get("table", {})
        if difference.found is None and view.get("kind") == "v":
            row = session.work.execute(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c"
                " WHERE c.oid = pg_catalog.to_regclass(%s) AND c.relkind <> 'v')",
                [view["name"]],
            ).fetchone()
            if row and row[0]:
                words = f"view {view['name']} was dropped, and something else has its name"
                raise BaselineChanged(
                    f"run {session.name} cannot go on, since its statements do not find what somebody else replaced: "
                    f"{words}",
                    changes=(words,),
                    hint=f"Nothing was done. Give {view['name']} another name, and run the same command again; it can "
                    "have its name again when the run is over.",
                )


def _another_name(difference: TableDifference) -> Iterator[str]:
    kept, found = (difference.kept or {})["table"], (difference.found or {})["table"]
    # Of a partition the statements do not speak.
    if kept["name"] != found["name"] and (difference.is_root or found["bound"] is None):
        yield f"table {kept['name']} is {found['name']} now"


def _another_name_of_ours(session: Session, difference: TableDifference) -> Iterator[str]:
    """Columns that carry the run's mark."""
    renamed = renamed_columns(difference)
    if not renamed or difference.found is None:
        return
    rows = session.work.execute(
        "SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = %s AND a.attname = ANY (%s)"
        " AND a.attinhcount = 0 AND pg_catalog.col_description(a.attrelid, a.attnum) = %s",
        [difference.relation, list(renamed.values()), mark(session.name)],
    ).fetchall()
    table = difference.found["table"]["name"]
    ours = {name for (name,) in rows}
    yield from (f"column {quoted(o)} of {table} is {quoted(n)} now" for o, n in renamed.items() if n in ours)


def _changes(session: Session, found: tuple[TableDifference, ...], left: frozenset[str]) -> tuple[TableChange, ...]:
    if not found:
        return ()
    states = ledger.step_states(session.work, session.run_id)
    columns = columns_of_run(session.plan, session.program, states)
    columns = replace(columns, rights=baseline_rows.rights_of(session.work, session.run_id, found))
    changes = changes_of(found, columns)
    return tuple(c for c in changes if c.made_alone is None or c.made_alone not in left)


def _note(
    session: Session, step: Step | None, found: tuple[TableDifference, ...], changes: tuple[TableChange, ...]
) -> tuple[str, ...]:
    if not found:
        return ()
    baseline_rows.keep(session.work, session.run_id, found)
    words = tuple(c.text for c in changes)
    if words:
        gone = [d.table["name"] for d in found if not d.is_there]
        facts: dict[str, Any] = {"changes": list(words)}
        facts |= {"step": step.id} if step is not None else {}
        facts |= {"gone": gone} if gone else {}
        facts |= _detached_of(found)
        ledger.add_event(session.work, session.run_id, "table_changed", facts)
    return words


def _detached_of(found: Iterable[TableDifference]) -> dict[str, list[int]]:
    """What an event keeps of partitions that have left and are there still, since the baseline has them no more."""
    detached = [d.relation for d in found if d.found is None and d.is_there and not d.is_root]
    return {"detached": detached} if detached else {}


def keep(session: Session) -> None:
    """Within the transaction of a step, after its statements: what they changed is ours, for other runs as well.

    A view or a twin of a table that they made is looked at from then on.
    """
    made = session.work.execute(
        "SELECT c.oid::pg_catalog.int8, c.relkind = 'v', c.relname"
        " FROM pg_catalog.pg_description d JOIN pg_catalog.pg_class c ON c.oid = d.objoid"
        " WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND d.description = %s"
        " AND c.relkind IN ('v', 'r', 'p') AND NOT c.relispartition",
        [mark(session.name)],
    ).fetchall()
    found = baseline_rows.changed_since(
        session.work, session.run_id, [oid for oid, is_view, name in made if is_view or is_own_name(name)]
    )
    if found:
        baseline_rows.keep(session.work, session.run_id, found)
        baseline_rows.tell_other_runs(session.work, session.run_id, found)


def accept(connection: Connection, run: RunRow, actor: str) -> tuple[str, ...]:
    """Let a run go on with what others changed, on a person's word; the changes, in words.

    Raises WrongState where the run is over, where nothing was changed, or where a table of its program is not there.
    """
    if run.state in FINAL:
        raise WrongState(f"run {run.name} is {run.state}; it takes no further step")
    with connection.transaction():
        # No step may be under way in between.
        connection.execute("SELECT FROM crossfade.runs WHERE id = %s FOR UPDATE", [run.id])
        found = baseline_rows.changed_since(connection, run.id)
        states = ledger.step_states(connection, run.id)
        columns = columns_of_run(Plan.from_json(dict(run.plan)), from_json(run.program), states)
        changes = (
            *changes_of(found, replace(columns, rights=baseline_rows.rights_of(connection, run.id, found))),
            *baseline_rows.new_users(connection, run.id, types_that_go(from_json(run.program), states)),
        )
        if not changes:
            raise nothing_to_accept(run.name, run.failed)
        refuse_to_accept(run.name, changes)
        baseline_rows.keep(connection, run.id, found)
        words = tuple(c.text for c in changes)
        facts = {"changes": list(words), "by": actor, **_detached_of(found)}
        ledger.add_event(connection, run.id, "changes_accepted", facts)
        ledger.set_failed(connection, run.id, None)
    return words
