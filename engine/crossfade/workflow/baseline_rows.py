"""The rows of a run's baseline in the ledger, and what differs from them. See `baseline` for what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from crossfade.plan.changes import ChangeType
from crossfade.plan.names import TableName
from crossfade.postgres.domain_users import tables_with
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.workflow.change_bearing import Bearing, Structure, TableChange
from crossfade.workflow.queries import query
from crossfade.workflow.states import FINAL
from crossfade.workflow.table_changes import TableDifference, carried_over

if TYPE_CHECKING:
    from crossfade.plan.model import Plan
    from crossfade.workflow.session import Session

Connection = psycopg.Connection[Any]
_LOCK_CLASS = 0x43524241
"""Of the advisory locks that runs on the same table take one after the other: "CRBA"."""


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
        rows = connection.execute(query("baseline_roots"), asked).fetchall()
        connection.execute("SET search_path = pg_catalog")
        with connection.transaction():
            return _differences(connection, None, [oid for (oid,) in rows])


def _sql_name(table: TableName) -> str:
    return quoted(table.name) if table.schema is None else str(QualifiedName(table.schema, table.name))


def begin(connection: Connection, run_id: int, seen: tuple[TableDifference, ...]) -> None:
    """Keep what `look` saw as the run's baseline, in place of any other."""
    connection.execute("DELETE FROM crossfade.baselines WHERE run_id = %s", [run_id])
    keep(connection, run_id, seen)


def detached(session: Session) -> list[int]:
    """The partitions that somebody detached, and without which the run has gone on."""
    rows = session.work.execute(
        "SELECT DISTINCT d.relation::pg_catalog.int8 FROM crossfade.events e,"
        " pg_catalog.jsonb_array_elements_text(e.data -> 'detached') AS d (relation)"
        " WHERE e.run_id = %s AND e.kind IN ('table_changed', 'changes_accepted') AND e.data ? 'detached'",
        [session.run_id],
    ).fetchall()
    return [oid for (oid,) in rows]


def family(session: Session) -> list[int]:
    """The run's tables that are there, with all the partitions and children that they have by now."""
    row = session.work.execute(query("baseline_family"), {"run": session.run_id, "roots": []}).fetchone()
    return list(row[0]) if row else []


def new_users(connection: Connection, run_id: int, types: tuple[str, ...]) -> tuple[TableChange, ...]:
    """What uses a type that goes, and came after the run began: columns on other tables, functions, domains, casts."""
    if not types:
        return ()
    rows = connection.execute(query("new_users_of_types"), {"types": list(types), "run": run_id}).fetchall()
    return tuple(
        TableChange(text=text, bearing=Bearing.HOLDS, made_alone=None, on="type", is_gone=False) for (text,) in rows
    )


def rights_of(connection: Connection, run_id: int, found: Iterable[TableDifference]) -> dict[str, list[str]]:
    """What others than its owner may do with each of the run's tables now."""
    rows = connection.execute(
        "SELECT structure -> 'table' FROM crossfade.baselines WHERE run_id = %s", [run_id]
    ).fetchall()
    tables = [*(table for (table,) in rows), *(d.found["table"] for d in found if d.found is not None)]
    return {table["name"]: table.get("rights", []) for table in tables}


def changed_since(connection: Connection, run_id: int, roots: Iterable[int] = ()) -> tuple[TableDifference, ...]:
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
    row = connection.execute(query("baseline_family"), asked).fetchone()
    asked["family"] = row[0] if row else []
    with connection.cursor(row_factory=class_row(TableDifference)) as cursor:
        # Parsing and planning it takes five times as long as its run, and it is asked twice for each step.
        return tuple(cursor.execute(query("table_structures"), asked, prepare=True).fetchall())


def keep(connection: Connection, run_id: int, found: Iterable[TableDifference]) -> None:
    """The baseline is from now on what was found."""
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
        connection.execute(query("keep_baseline"), {"run": run_id, "relations": Jsonb(rows)})


def tell_other_runs(connection: Connection, run_id: int, found: Iterable[TableDifference]) -> None:
    """What a step of this run has changed, other runs must not take for a stranger's doing."""
    changed = {d.relation: d for d in found if d.kept is not None and d.found is not None}
    if not changed:
        return
    over = [state.value for state in FINAL]
    with connection.cursor(row_factory=dict_row) as cursor:
        shared = cursor.execute(
            query("shared_baselines"), {"relations": list(changed), "run": run_id, "over": over}
        ).fetchall()
    for row in shared:
        difference = changed[row["relation"]]
        structure = carried_over(difference, row["structure"])
        _write(
            connection,
            row["run_id"],
            [_row(row["relation"], row["is_root"], structure, difference.found_numbers)],
        )
