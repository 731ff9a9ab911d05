"""The baseline of a run: how its tables were after its last step, so that what somebody else changes is noticed.

A program is compiled against the catalog once, and its steps run over hours or days. What the tables look like is kept
when it is compiled, anew in the transaction of each step, and after each undo; so what a step of ours changes is never
taken for somebody else's doing, nor by another run on the same table. Before each step the tables are compared. What is
new and has nothing to do with the plan's columns is noted and kept; anything else stops the run with BaselineChanged.
Turning back asks only whether what it takes back has its name still, and a revert whether anything was made on what is
going to be a twin again: anything else is noted. A change of rows has no baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from crossfade.errors import BaselineChanged, WouldDiscard, WrongState
from crossfade.operations.own_names import is_own_name, mark
from crossfade.operations.step import Part, Step
from crossfade.plan.changes import ChangeType
from crossfade.plan.model import Plan
from crossfade.plan.names import TableName
from crossfade.postgres.domain_users import tables_with
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.workflow import ledger
from crossfade.workflow.affected_names import backwards, left_by
from crossfade.workflow.baseline_words import Ahead, changed, refuse_to_accept
from crossfade.workflow.change_bearing import Bearing, Structure, TableChange
from crossfade.workflow.program import Program, from_json
from crossfade.workflow.states import FINAL
from crossfade.workflow.table_changes import TableDifference, carried_over, changes_of, renamed_columns
from crossfade.workflow.what_goes import columns_of_run, going, types_that_go

if TYPE_CHECKING:
    from crossfade.workflow.ledger import RunRow
    from crossfade.workflow.session import Session

Connection = psycopg.Connection[Any]
_LOCK_CLASS = 0x43524241
"""Of the advisory locks that runs on the same table take one after the other: "CRBA"."""
_NOTED = frozenset({Bearing.APART, Bearing.PARTITION})


def look(connect: Callable[[], Connection], plan: Plan) -> tuple[TableDifference, ...]:
    """How the plan's tables are now, for `begin`, with those that it reaches by a type or a foreign key.

    A table that is not there is left out.
    The session's own search_path says which table an unqualified name means, so ours is reset for that.
    """
    with connect() as connection:
        connection.execute("RESET search_path")
        names = list(dict.fromkeys(_sql_name(table) for change in plan.changes for table in change.tables))
        types = [(domain.schema, domain.name) for change in plan.changes for domain in change.domains]
        types += [(t.schema, t.name) for c in plan.changes if c.makes_types_anew for t in c.changed_types]
        names += [_sql_name(TableName(schema, name)) for schema, name in tables_with(connection, types)]
        followed = [c for c in plan.changes if isinstance(c, ChangeType) and c.follows_references]
        asked = {
            "names": names,
            "tables": [_sql_name(c.table) for c in followed],
            "columns": [c.column for c in followed],
        }
        rows = connection.execute(_query("baseline_roots"), asked).fetchall()
        connection.execute("SET search_path = pg_catalog")
        with connection.transaction():
            return _differences(connection, None, [oid for (oid,) in rows])


def _sql_name(table: TableName) -> str:
    return quoted(table.name) if table.schema is None else str(QualifiedName(table.schema, table.name))


def begin(connection: Connection, run_id: int, seen: tuple[TableDifference, ...]) -> None:
    """Keep what `look` saw as the run's baseline, in place of any other."""
    connection.execute("DELETE FROM crossfade.baselines WHERE run_id = %s", [run_id])
    _keep(connection, run_id, seen)


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
    found = _found(session.work, session.run_id)
    changes = (*_changes(session, found, left), *_new_users(session.work, session.run_id, session.program))
    stopping = tuple(c for c in changes if c.bearing not in noted)
    if stopping:
        raise changed(session.name, ahead, stopping)
    _refuse_another_in_its_place(session, found)
    return _note(session, step, found, changes)


def note(session: Session, step: Step, left: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """As `check`, for the undo of a step, which stops for nothing but what it would not find any more."""
    found = _found(session.work, session.run_id)
    _refuse_renamed(session, found)
    if step.part is Part.HIDE:
        _refuse_to_lose(session, found, left)
    return _note(session, step, found, _changes(session, found, left))


def refuse_renamed(session: Session) -> None:
    """Before a run turns back. Raises BaselineChanged where others gave a table, or a column of ours, another name."""
    with session.work.transaction():
        _refuse_renamed(session, _found(session.work, session.run_id))


def refuse_to_lose(session: Session) -> None:
    """Before a run is reverted. Raises WouldDiscard where others made something on what goes back to be a twin."""
    with session.work.transaction():
        _refuse_to_lose(session, _found(session.work, session.run_id), left_behind(session))


def left_behind(session: Session) -> frozenset[str]:
    """What steps outside a transaction that were cut off may have left."""
    states = ledger.step_states(session.work, session.run_id)
    return frozenset(name for s in session.program.steps if states.get(s.id) == "running" for name in left_by(s))


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
    _refuse_another_in_its_place(session, found)


def _refuse_to_lose(session: Session, found: tuple[TableDifference, ...], left: frozenset[str]) -> None:
    states = ledger.step_states(session.work, session.run_id) if found else {}
    done = [step for step in session.program.of(Part.HIDE) if states.get(step.id) == "done"]
    texts = backwards(done)
    columns = replace(columns_of_run(session.plan, session.program, states), made=frozenset(), named=frozenset())
    back = going(columns, texts)
    lost = tuple(
        change.text
        for change in changes_of(found, replace(back, rights=_rights(session.work, session.run_id, found)))
        if not change.is_gone
        and change.made_alone not in left
        and (
            change.bearing in (Bearing.LOSES, Bearing.UNEVEN)
            or (change.bearing is Bearing.HOLDS and change.on == "table")
        )
    )
    if lost:
        raise WouldDiscard(session.name, lost, reverts=True)


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
    columns = replace(columns, rights=_rights(session.work, session.run_id, found))
    changes = changes_of(found, columns)
    return tuple(c for c in changes if c.made_alone is None or c.made_alone not in left)


def _new_users(connection: Connection, run_id: int, program: Program) -> tuple[TableChange, ...]:
    """Columns of a type that goes, on tables which had none when the run began."""
    states = ledger.step_states(connection, run_id)
    types = types_that_go(program, states)
    if not types:
        return ()
    rows = connection.execute(_query("new_users_of_types"), {"types": list(types), "run": run_id}).fetchall()
    return tuple(
        TableChange(text=text, bearing=Bearing.HOLDS, made_alone=None, on="type", is_gone=False) for (text,) in rows
    )


def _rights(connection: Connection, run_id: int, found: Iterable[TableDifference]) -> dict[str, list[str]]:
    """What others than its owner may do with each of the run's tables now."""
    rows = connection.execute(
        "SELECT structure -> 'table' FROM crossfade.baselines WHERE run_id = %s", [run_id]
    ).fetchall()
    tables = [*(table for (table,) in rows), *(d.found["table"] for d in found if d.found is not None)]
    return {table["name"]: table.get("rights", []) for table in tables}


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
    found = _found(session.work, session.run_id, [oid for oid, is_view, name in made if is_view or is_own_name(name)])
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
        columns = columns_of_run(Plan.from_json(dict(run.plan)), from_json(run.program), states)
        changes = (
            *changes_of(found, replace(columns, rights=_rights(connection, run.id, found))),
            *_new_users(connection, run.id, from_json(run.program)),
        )
        if not changes:
            raise WrongState(
                f"nobody else has changed a table of run {run.name}; there is nothing to accept",
                hint=f"See crossfade status {run.name}.",
            )
        refuse_to_accept(run.name, changes)
        _keep(connection, run.id, found)
        words = tuple(c.text for c in changes)
        ledger.add_event(connection, run.id, "changes_accepted", {"changes": list(words), "by": actor})
        ledger.set_failed(connection, run.id, None)
    return words


@cache
def _query(name: str) -> bytes:
    return (resources.files("crossfade.workflow") / "sql" / f"{name}.sql").read_bytes()


def _found(connection: Connection, run_id: int, roots: Iterable[int] = ()) -> tuple[TableDifference, ...]:
    """What differs from the run's baseline, with these tables, once no other run on its tables is in a step."""
    connection.execute(
        "SELECT pg_catalog.pg_advisory_xact_lock(%s, pg_catalog.hashoid(r.relation))"
        " FROM (SELECT relation FROM crossfade.baselines WHERE run_id = %s AND is_root ORDER BY 1) AS r",
        [_LOCK_CLASS, run_id],
    )
    return _differences(connection, run_id, list(roots))


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
