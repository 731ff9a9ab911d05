"""The gate `sql`: a query of the plan's own gives true.

It runs read-only and in a transaction that is rolled back, so that it changes no row, no sequence and no setting, with
the search_path of the role that crossfade uses, as for whatever else a plan names. That does not stop what a function
does outside of the transaction, with the rights of that role: ending or cancelling another session, taking a session's
advisory lock, dblink, or a file of the server. NULL is no answer, and anything but one row of one boolean is an error;
no more than two rows are fetched, and of a value of another type nothing is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.gates.verdict import Judgement, Verdict

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import Sql

_SETTINGS = "SET LOCAL transaction_read_only = on; SET LOCAL search_path TO DEFAULT"
_CURSOR = "crossfade_gate"
_BOOLEAN = "boolean"
_TYPE = "SELECT pg_catalog.format_type(%s::pg_catalog.oid, NULL)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the query gave."""

    rows: int = 0
    """2 for any number of rows above one."""
    value: bool | None = None
    """Of the first row."""
    type: str = _BOOLEAN
    """The type of its column, by the name that the server has for it; one of another than boolean is not read."""


def observe(connection: psycopg.Connection[Any], _subject: Subject, entry: Sql, _look: Look) -> Observation:
    """Run the query. Raises psycopg.Error for one that fails or takes too long."""
    with connection.transaction(force_rollback=True):
        connection.execute(_SETTINGS)
        with connection.cursor(_CURSOR) as cursor:
            cursor.execute(entry.query.encode())
            assert cursor.description is not None
            row = connection.execute(_TYPE, [cursor.description[0].type_code]).fetchone()
            assert row is not None
            if row[0] != _BOOLEAN:
                return Observation(type=row[0])
            rows = cursor.fetchmany(2)
    return Observation(rows=len(rows), value=rows[0][0] if rows else None)


def judge(observation: Observation, _entry: Sql) -> Judgement:
    """PASS for true alone."""
    o = observation
    evidence = {"rows": o.rows, "value": o.value, "type": o.type}
    if o.type != _BOOLEAN:
        reason = f"the query gives a value of type {o.type}, not a boolean"
        return Judgement(verdict=Verdict.ERROR, reason=reason, evidence={"type": o.type})
    if o.rows != 1:
        found = "no row" if o.rows == 0 else "several rows"
        return Judgement(verdict=Verdict.ERROR, reason=f"the query gives {found}, not one", evidence=evidence)
    if o.value is None:
        return Judgement(verdict=Verdict.UNKNOWN, reason="the query gives NULL", evidence=evidence)
    verdict = Verdict.PASS if o.value is True else Verdict.BLOCKED
    return Judgement(verdict=verdict, reason=f"the query gives {str(o.value).lower()}", evidence=evidence)


def in_words(entry: Sql) -> str:
    """For `explain`."""
    return f"{' '.join(entry.query.split())} gives true"
