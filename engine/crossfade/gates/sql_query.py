"""The gate `sql`: a query of the plan's own gives true.

It runs read-only and in a transaction that is rolled back, with the search path `pg_catalog`. NULL is no answer, and
anything but one row of one boolean is an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.gates.verdict import Judgement, Verdict

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.plan.gates import Sql

_MOST_SHOWN = 100
_SETTINGS = sql.SQL("SET LOCAL statement_timeout = {}; SET LOCAL transaction_read_only = on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the query gave."""

    rows: int
    value: Any = None
    """The first column of the first row."""


def observe(connection: psycopg.Connection[Any], _subject: Subject, entry: Sql, _look: Look) -> Observation:
    """Run the query. Raises psycopg.Error for one that fails or takes too long."""
    with connection.transaction(force_rollback=True):
        connection.execute(_SETTINGS.format(f"{entry.timeout.total_seconds() * 1000:.0f}ms"))
        rows = connection.execute(entry.query.encode()).fetchmany(2)
    return Observation(rows=len(rows), value=rows[0][0] if rows else None)


def judge(observation: Observation, _entry: Sql) -> Judgement:
    """PASS for true alone."""
    o = observation
    evidence = {"rows": o.rows, "value": o.value if isinstance(o.value, bool) else str(o.value)[:_MOST_SHOWN]}
    if o.rows != 1:
        found = "no row" if o.rows == 0 else "several rows"
        return Judgement(verdict=Verdict.ERROR, reason=f"the query gives {found}, not one", evidence=evidence)
    if o.value is None:
        return Judgement(verdict=Verdict.UNKNOWN, reason="the query gives NULL", evidence=evidence)
    if not isinstance(o.value, bool):
        reason = f"the query gives {str(o.value)[:_MOST_SHOWN]!r}, neither true nor false"
        return Judgement(verdict=Verdict.ERROR, reason=reason, evidence=evidence)
    verdict = Verdict.PASS if o.value else Verdict.BLOCKED
    return Judgement(verdict=verdict, reason=f"the query gives {str(o.value).lower()}", evidence=evidence)


def in_words(entry: Sql) -> str:
    """For `explain`."""
    return f"{' '.join(entry.query.split())} gives true"
