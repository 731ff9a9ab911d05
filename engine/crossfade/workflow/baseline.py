"""The baseline of a run: how its tables were after its last step, so that what somebody else changes is noticed.

A program is compiled against the catalog once, and its steps run over hours or days. What the tables look like is kept
when it is compiled, anew in the transaction of each step, and after each undo; so what a step of ours changes is never
taken for somebody else's doing, nor by another run on the same table. Before each step the tables are compared. What is
new and has nothing to do with the plan's columns is noted and kept; anything else stops the run with BaselineChanged.
Turning back asks only whether what it takes back has its name still: anything else is noted. A change of rows has no
baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from crossfade.errors import BaselineChanged, WrongState
from crossfade.operations.own_names import mark
from crossfade.operations.step import Part, Step
from crossfade.plan.names import TableName
from crossfade.postgres.domain_users import tables_with
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.workflow import ledger
from crossfade.workflow.affected_names import columns_of, tables_taken_by, taken_by
from crossfade.workflow.program import Program, from_json
from crossfade.workflow.states import FINAL
from crossfade.workflow.table_changes import (
    Bearing,
    Columns,
    Structure,
    TableChange,
    TableDifference,
    carried_over,
    changes_of,
    renamed_columns,
)

if TYPE_CHECKING:
    from crossfade.plan.model import Plan
    from crossfade.workflow.ledger import RunRow
    from crossfade.workflow.session import Session

Connection = psycopg.Connection[Any]
_LOCK_CLASS = 0x43524241
"""Of the advisory locks that runs on the same table take one after the other: "CRBA"."""
_MADE_ANEW = "Drop it, run the same command again, and make it anew once the run is contracted."
_NOTED = frozenset({Bearing.APART, Bearing.PARTITION})
_LOST = frozenset({Bearing.LOST, Bearing.GONE})


def look(connect: Callable[[], Connection], plan: Plan) -> tuple[TableDifference, ...]:
    """How the plan's tables are now, for `begin`; a table that is not there is left out.

    The session's own search_path says which table an unqualified name means, so ours is reset for that.
    """
    with connect() as connection:
        connection.execute("RESET search_path")
        names = list(dict.fromkeys(_sql_name(table) for change in plan.changes for table in change.tables))
        domains = [(domain.schema, domain.name) for change in plan.changes for domain in change.domains]
        names += [_sql_name(TableName(schema, name)) for schema, name in tables_with(connection, domains)]
        rows = connection.execute(
            "SELECT DISTINCT coalesce(i.indrelid, pg_catalog.to_regclass(t.name)::pg_catalog.oid)"
            " FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS t (name)"
            # The name of an index stands for its table.
            " LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = pg_catalog.to_regclass(t.name)"
            " WHERE pg_catalog.to_regclass(t.name) IS NOT NULL",
            [names],
        ).fetchall()
        connection.execute("SET search_path = pg_catalog")
        with connection.transaction():
            return _differences(connection, None, [oid for (oid,) in rows])


def _sql_name(table: TableName) -> str:
    return quoted(table.name) if table.schema is None else str(QualifiedName(table.schema, table.name))


def begin(connection: Connection, run_id: int, seen: tuple[TableDifference, ...]) -> None:
    """Keep what `look` saw as the run's baseline, in place of any other."""
    connection.execute("DELETE FROM crossfade.baselines WHERE run_id = %s", [run_id])
    _keep(connection, run_id, seen)


def check(session: Session, ahead: Step | Part | None, left: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Within a transaction, before a step, the steps of a part, or the rows are compared: others' changes, in words.

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
    found = _found(session.work, session.run_id)
    changes = _changes(session, found, left)
    stopping = tuple(c for c in changes if c.bearing not in noted)
    if stopping:
        raise _changed(session.name, ahead, stopping)
    return _note(session, step, found, changes)


def note(session: Session, step: Step, left: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """As `check`, for the undo of a step, which stops for nothing but what it would not find any more."""
    found = _found(session.work, session.run_id)
    _refuse_renamed(session, found)
    return _note(session, step, found, _changes(session, found, left))


def refuse_renamed(session: Session) -> None:
    """Before a run turns back. Raises BaselineChanged where others gave a table, or a column of ours, another name."""
    with session.work.transaction():
        _refuse_renamed(session, _found(session.work, session.run_id))


def lost_a_table(session: Session) -> bool:
    """Whether somebody else dropped a table that the plan names, so that statements may not find it."""
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
    changes = changes_of(found, _columns(session.plan.as_json()["changes"], session.program, states))
    return tuple(c for c in changes if c.made_alone is None or c.made_alone not in left)


def _columns(changes: Any, program: Program, states: Mapping[str, str]) -> Columns:
    hiding = program.of(Part.HIDE)
    to_come = (step for step in hiding if states.get(step.id) != "done")
    return Columns(planned=columns_of(changes), taken=taken_by(to_come), tables=tables_taken_by(hiding))


def _note(
    session: Session, step: Step | None, found: tuple[TableDifference, ...], changes: tuple[TableChange, ...]
) -> tuple[str, ...]:
    if not found:
        return ()
    _keep(session.work, session.run_id, found)
    words = tuple(c.text for c in changes)
    if words:
        gone = [d.table["name"] for d in found if d.is_root and not d.is_there]
        facts: dict[str, Any] = {"changes": list(words)}
        facts |= {"step": step.id} if step is not None else {}
        facts |= {"gone": gone} if gone else {}
        ledger.add_event(session.work, session.run_id, "table_changed", facts)
    return words


def keep(session: Session) -> None:
    """Within the transaction of a step, after its statements: what they changed is ours, for other runs as well."""
    found = _found(session.work, session.run_id)
    if found:
        _keep(session.work, session.run_id, found)
        _tell_other_runs(session.work, session.run_id, found)


def accept(connection: Connection, run: RunRow, actor: str) -> tuple[str, ...]:
    """Let a run go on with what others changed, on a person's word; the changes, in words.

    Raises WrongState where the run is over, where nothing was changed, or where a table of its program is not there.
    """
    if run.state in FINAL:
        raise WrongState(f"run {run.name} is {run.state}; it takes no further step")
    with connection.transaction():
        # No step may be under way in between.
        connection.execute("SELECT FROM crossfade.runs WHERE id = %s FOR UPDATE", [run.id])
        found = _found(connection, run.id)
        states = ledger.step_states(connection, run.id)
        changes = changes_of(found, _columns(run.plan["changes"], from_json(run.program), states))
        if not changes:
            raise WrongState(
                f"nobody else has changed a table of run {run.name}; there is nothing to accept",
                hint=f"See crossfade status {run.name}.",
            )
        lost = [c.text for c in changes if c.bearing in _LOST]
        if lost:
            raise WrongState(
                f"{'; '.join(lost)}: the statements of run {run.name} name it, so this cannot be accepted",
                hint=f"Undo it, or take the run back: crossfade rollback {run.name}",
            )
        held = [c.text for c in changes if c.bearing is Bearing.HOLDS]
        if held:
            raise WrongState(
                f"{'; '.join(held)}: it would keep run {run.name} from dropping a column, so this cannot be accepted",
                hint=_MADE_ANEW,
            )
        _keep(connection, run.id, found)
        words = tuple(c.text for c in changes)
        ledger.add_event(connection, run.id, "changes_accepted", {"changes": list(words), "by": actor})
        ledger.set_failed(connection, run.id, None)
    return words


def _changed(run: str, ahead: Step | Part | None, changes: tuple[TableChange, ...]) -> BaselineChanged:
    words = tuple(c.text for c in changes)
    step = ahead if isinstance(ahead, Step) else None
    before = "before the rows are compared" if ahead is None else f"before it begins to {ahead}"
    before = f"before step {step.id} ({step.title})" if step is not None else before
    if any(c.bearing is Bearing.HOLDS for c in changes):
        return BaselineChanged(
            f"run {run} stops {before}, since somebody else made something on a column that is going to be dropped: "
            f"{'; '.join(words)}",
            changes=words,
            hint=f"Nothing was done. {_MADE_ANEW}",
            location=step.id if step is not None else None,
        )
    accepted = f"let the run go on with it: crossfade resume {run} --accept-changes. Or "
    if any(c.bearing in _LOST for c in changes):
        accepted = ""
    part = step.part if step is not None else ahead
    back = "revert" if part in (Part.HIDE, Part.DROP) else "rollback"
    return BaselineChanged(
        f"run {run} stops {before}, since somebody else changed a table of it: {'; '.join(words)}",
        changes=words,
        hint=f"Nothing was done. Undo the change and run the same command again, or {accepted}"
        f"take the run back: crossfade {back} {run}",
        location=step.id if step is not None else None,
    )


@cache
def _query(name: str) -> bytes:
    return (resources.files("crossfade.workflow") / "sql" / f"{name}.sql").read_bytes()


def _found(connection: Connection, run_id: int) -> tuple[TableDifference, ...]:
    """What differs from the run's baseline, once no other run on its tables is in a step."""
    connection.execute(
        "SELECT pg_catalog.pg_advisory_xact_lock(%s, pg_catalog.hashoid(r.relation))"
        " FROM (SELECT relation FROM crossfade.baselines WHERE run_id = %s AND is_root ORDER BY 1) AS r",
        [_LOCK_CLASS, run_id],
    )
    return _differences(connection, run_id, [])


def _differences(connection: Connection, run_id: int | None, roots: list[int]) -> tuple[TableDifference, ...]:
    """What differs from the run's baseline, of its tables and these; within a transaction."""
    asked = {"run": run_id, "roots": roots}
    row = connection.execute(_query("baseline_family"), asked).fetchone()
    asked["family"] = row[0] if row else []
    with connection.cursor(row_factory=class_row(TableDifference)) as cursor:
        return tuple(cursor.execute(_query("table_structures"), asked).fetchall())


def _keep(connection: Connection, run_id: int, found: Iterable[TableDifference]) -> None:
    gone = [d.relation for d in found if d.found is None]
    if gone:
        connection.execute(
            "DELETE FROM crossfade.baselines WHERE run_id = %s AND relation = ANY (%s::pg_catalog.oid[])",
            [run_id, gone],
        )
    _write(connection, run_id, [_row(d.relation, d.is_root, d.found, d.found_numbers) for d in found if d.found])


def _row(relation: int, is_root: bool, structure: Structure, numbers: Mapping[str, int] | None) -> dict[str, Any]:
    return {"relation": relation, "is_root": is_root, "structure": structure, "numbers": numbers or {}}


def _write(connection: Connection, run_id: int, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(_query("keep_baseline"), {"run": run_id, "relations": Jsonb(rows)})


def _tell_other_runs(connection: Connection, run_id: int, found: Iterable[TableDifference]) -> None:
    """What a step of this run has changed, other runs must not take for a stranger's doing."""
    changed = {d.relation: d for d in found if d.kept is not None and d.found is not None}
    if not changed:
        return
    over = [state.value for state in FINAL]
    with connection.cursor(row_factory=dict_row) as cursor:
        shared = cursor.execute(
            _query("shared_baselines"), {"relations": list(changed), "run": run_id, "over": over}
        ).fetchall()
    for row in shared:
        difference = changed[row["relation"]]
        structure = carried_over(difference, row["structure"])
        _write(
            connection,
            row["run_id"],
            [_row(row["relation"], row["is_root"], structure, difference.found_numbers)],
        )
