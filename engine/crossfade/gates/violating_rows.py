"""Rows that a coming constraint would refuse, looked for within bounds of rows and of time.

A look that found none is believed for a minute: whatever violates since then was noted by the triggers, except for rows
that lost what they refer to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql

from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.gates.subject import Look
    from crossfade.operations.step import Watch

MOST = 100
"""More rows than that are not counted."""
_FRESH = timedelta(minutes=1)
_GLANCE = timedelta(seconds=1)
"""How long a look may take that is not recorded, as `crossfade status` has."""
_TIMEOUT = "SELECT pg_catalog.set_config('statement_timeout', %s, true)"
_OF_FUNCTION = (
    "SELECT t.typrelid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_proc p "
    "JOIN pg_catalog.pg_type t ON t.oid = p.proargtypes[0] WHERE p.oid = pg_catalog.to_regproc(%s)"
)
_SEEN: WeakKeyDictionary[psycopg.Connection[Any], dict[str, tuple[datetime, Rows]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """How many rows violate one constraint."""

    constraint: str
    table: str
    violating: int = 0
    """`MOST` plus one stands for any number beyond."""
    out_of_time: bool = False

    @property
    def in_words(self) -> str:
        """For a gate's reason."""
        number = f"more than {MOST} rows" if self.violating > MOST else f"{self.violating} rows"
        which = "1 row" if self.violating == 1 else number
        return f"{which} of {self.table} {'violates' if self.violating == 1 else 'violate'} {self.constraint}"

    def as_json(self) -> dict[str, Any]:
        """For the evidence."""
        return {
            "constraint": self.constraint,
            "table": self.table,
            "violating": self.violating,
            "out_of_time": self.out_of_time,
        }


def look(connection: psycopg.Connection[Any], watch: Watch, limit: timedelta, look: Look) -> Rows:
    """The rows of a watch that violate its constraint. Raises psycopg.Error."""
    seen = _SEEN.setdefault(connection, {})
    if watch.id in seen and look.now - seen[watch.id][0] < _FRESH:
        return seen[watch.id][1]
    found = _counted(connection, watch, limit if look.record else min(limit, _GLANCE))
    if not found.violating and (look.record or not found.out_of_time):
        seen[watch.id] = look.now, found
    return found


def _table_now(connection: psycopg.Connection[Any], watch: Watch) -> str:
    """The table whose rows the function takes: names change hands in the middle of contract."""
    row = connection.execute(_OF_FUNCTION, [watch.violated]).fetchone()
    return row[0] if row else str(QualifiedName(watch.schema, watch.table))


def _counted(connection: psycopg.Connection[Any], watch: Watch, limit: timedelta) -> Rows:
    table = QualifiedName(watch.schema, watch.table)
    # A column of the alias's name would be taken for it.
    rows = sql.SQL("SELECT FROM {}{} AS crossfade_row WHERE {}(crossfade_row) LIMIT {}").format(
        sql.SQL("" if watch.inherited else "ONLY "),
        sql.SQL(_table_now(connection, watch)),
        sql.SQL(watch.violated),
        sql.Literal(MOST + 1),
    )
    wanted = sql.SQL("SELECT pg_catalog.count(*) FROM ({}) AS violating").format(rows)
    before = connection.execute("SELECT pg_catalog.current_setting('statement_timeout')").fetchone()
    assert before is not None
    try:
        with connection.transaction():
            connection.execute(_TIMEOUT, [f"{round(limit / timedelta(milliseconds=1))}ms"])
            row = connection.execute(wanted).fetchone()
            connection.execute(_TIMEOUT, [before[0]])
    except psycopg.errors.QueryCanceled:
        return Rows(constraint=watch.constraint, table=str(table), out_of_time=True)
    return Rows(constraint=watch.constraint, table=str(table), violating=row[0] if row else 0)
