"""The rows that a backfill set aside: listing them, trying them again, and giving them up.

A row is `open` until it could be written (`resolved`) or a person gave it up with a reason (`waived`). While one is
open, the backfill does not end, and so contract stays closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from crossfade.errors import UsageError
from crossfade.workflow import ledger
from crossfade.workflow.reasons import require_reason

if TYPE_CHECKING:
    from crossfade.workflow.ledger import RunRow

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinedRow:
    """A row that was refused, and what became of it."""

    table: str
    key: Mapping[str, str]
    sqlstate: str
    message: str
    constraint: str | None
    state: str
    """open, resolved or waived."""
    at: datetime
    change: str
    row: Mapping[str, Any] | None
    """All its values, where the plan says `keep_row`."""
    waived_by: str | None
    waived_because: str | None

    def as_json(self) -> dict[str, Any]:
        """One of the `rows` of `quarantine list --json`."""
        return {name: getattr(self, name) for name in self.__slots__} | {"at": self.at.isoformat()}


def rows_of(connection: Connection, run: RunRow, states: Sequence[str]) -> tuple[QuarantinedRow, ...]:
    """The run's rows in these states, by table and in the order in which they were refused."""
    with connection.cursor(row_factory=class_row(QuarantinedRow)) as cursor:
        found = cursor.execute(
            'SELECT relation AS "table", key, sqlstate, message, constraint_name AS "constraint", state, at,'
            " change_id AS change, image AS row, waived_by, waived_because FROM crossfade.rejected_rows"
            " WHERE run_id = %s AND state = ANY (%s) ORDER BY relation, at, key",
            [run.id, list(states)],
        )
        return tuple(found.fetchall())


def waive(
    connection: Connection,
    run: RunRow,
    reason: str,
    *,
    by: str | None,
    table: str | None,
    keys: Sequence[Mapping[str, str]],
) -> int:
    """Give up open rows: those with exactly these keys (and table, where one is given), or with no keys all of them.

    How many they were. Raises UsageError where a key, or the table, names no open row, and for a reason that is empty;
    then none is given up.
    """
    require_reason(reason)
    _refuse_places(connection, run)
    with connection.transaction():
        waived = 0
        for key in keys or (None,):
            done = connection.execute(
                "UPDATE crossfade.rejected_rows SET state = 'waived', waived_by = coalesce(%(by)s, session_user),"
                " waived_because = %(reason)s, at = pg_catalog.clock_timestamp()"
                " WHERE run_id = %(run)s AND state = 'open' AND (%(table)s::text IS NULL OR relation = %(table)s)"
                " AND (%(key)s::jsonb IS NULL OR key = %(key)s)",
                {
                    "run": run.id,
                    "table": table,
                    "key": None if key is None else Jsonb(key),
                    "by": by,
                    "reason": reason,
                },
            )
            if done.rowcount == 0 and (keys or table):
                raise UsageError(
                    f"run {run.name} has no open row {_named(table, key)}; none was given up",
                    hint=_how_to_name(connection, run, key),
                )
            waived += done.rowcount
        if waived:
            ledger.add_event(
                connection,
                run.id,
                "rows_waived",
                {"rows": waived, "reason": reason, "by": by, "table": table, "keys": [dict(key) for key in keys]},
            )
    return waived


def _named(table: str | None, key: Mapping[str, str] | None) -> str:
    columns = ", ".join(f"{column}={value}" for column, value in (key or {}).items())
    return " ".join(part for part in (f"with the key {columns}" if key else "", f"in {table}" if table else "") if part)


def _how_to_name(connection: Connection, run: RunRow, key: Mapping[str, str] | None) -> str:
    listed = f"crossfade quarantine list {run.name}"
    if key is None:
        return f"Write tables and whole keys as they are listed: {listed}"
    columns = connection.execute(
        "SELECT DISTINCT relation, ARRAY(SELECT pg_catalog.jsonb_object_keys(key) ORDER BY 1)"
        " FROM crossfade.rejected_rows WHERE run_id = %s AND state = 'open' ORDER BY 1, 2",
        [run.id],
    ).fetchall()
    partial = [(relation, of) for relation, of in columns if set(key) != set(of)]
    if not partial:
        return f"Write values as they are listed: {listed}"
    wholes = "; ".join(f"of {relation} it has {', '.join(of)}" for relation, of in partial)
    return f"Give the whole key: {wholes}. Write values as they are listed: {listed}"


def _refuse_places(connection: Connection, run: RunRow) -> None:
    """Raises UsageError where an open row has no key: by its place another row could be taken for it later."""
    row = connection.execute(
        "SELECT relation FROM crossfade.rejected_rows WHERE run_id = %s AND state = 'open' AND key ? 'ctid' LIMIT 1",
        [run.id],
    ).fetchone()
    if row is not None:
        raise UsageError(
            f"{row[0]} has no key by which a row could be given up; its place does not last",
            hint=f"Correct the rows, or what refuses them, and try them again: crossfade quarantine retry {run.name}",
        )
