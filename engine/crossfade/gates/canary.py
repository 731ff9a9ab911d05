"""The canary: is a write of the old shape really carried over and noted?

In a transaction that is rolled back, the real triggers' definitions are put on a temporary table with the pair's two
columns, and a value from the table is written to the old one. The definitions are the server's own text with the table
exchanged in the parse tree. Where that cannot be tried, nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from crossfade.operations.step import RowChange

_NAME = "crossfade_canary"
_TABLE = sql.Identifier("pg_temp", _NAME)
_SAMPLED_ROWS = sql.Literal(1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """What came of it."""

    fault: str | None = None
    """What the triggers failed to do."""
    not_tried: str | None = None
    """Why it could not be tried."""


def send_canary(connection: psycopg.Connection[Any], plan: str, change: RowChange, triggers: list[int]) -> Canary:
    """Write the old shape of a change under copies of these triggers, and take all of it back."""
    try:
        with connection.transaction(force_rollback=True):
            # No user of the table may have to wait for this.
            connection.execute("SET LOCAL lock_timeout = '500ms'")
            connection.execute("SET LOCAL statement_timeout = '2s'")
            _prepare(connection, change, triggers)
            if not _write(connection, change):
                return Canary(not_tried=f"no value of {change.old_names} to try it with in the first rows of the table")
            return Canary(fault=_fault(connection, plan, change))
    except psycopg.Error as error:
        if connection.closed:
            raise
        return Canary(not_tried=str(error).strip())


def _prepare(connection: psycopg.Connection[Any], change: RowChange, triggers: list[int]) -> None:
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} AS SELECT * FROM {} WITH NO DATA").format(_TABLE, _relation(change))
    )
    connection.execute(sql.SQL("INSERT INTO {} DEFAULT VALUES").format(_TABLE))
    definitions = connection.execute(
        "SELECT pg_catalog.pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger t WHERE t.oid = ANY (%s::oid[])",
        [triggers],
    ).fetchall()
    for (definition,) in definitions:
        connection.execute(_moved(definition).encode())


def _relation(change: RowChange) -> sql.Identifier:
    return sql.Identifier(change.schema, change.table)


def _moved(definition: str) -> str:
    """The same trigger on the temporary table."""
    from pglast import parse_sql
    from pglast.ast import CreateTrigStmt, RangeVar
    from pglast.stream import RawStream

    parsed = parse_sql(definition)
    trigger = parsed[0].stmt
    assert isinstance(trigger, CreateTrigStmt)
    trigger.relation = RangeVar(schemaname="pg_temp", relname=_NAME, inh=True, relpersistence="p")
    text: str = RawStream()(parsed)
    return text


def _write(connection: psycopg.Connection[Any], change: RowChange) -> bool:
    old = sql.SQL(", ").join(map(sql.Identifier, change.old))
    first = sql.Identifier(change.old[0])
    written = connection.execute(
        sql.SQL(
            "UPDATE {table} SET ({old}) = (SELECT {old} FROM (SELECT {old} FROM {source} LIMIT {rows}) s"
            " WHERE {first} IS NOT NULL LIMIT 1) RETURNING {first} IS NOT NULL"
        ).format(table=_TABLE, old=old, first=first, source=_relation(change), rows=_SAMPLED_ROWS)
    ).fetchone()
    return bool(written and written[0])


def _fault(connection: psycopg.Connection[Any], plan: str, change: RowChange) -> str | None:
    row = connection.execute(
        # The predicate is the operation's own, as the backfill uses it.
        sql.SQL("SELECT {}, EXISTS ({}) FROM {}").format(sql.SQL(change.pending), _noted(plan, change), _TABLE)
    ).fetchone()
    if row is None or row[0]:
        return f"a write to {change.old_names} does not reach {change.new_names}"
    return None if row[1] or not change.told_apart else f"a write to {change.old_names} is not noted"


def _noted(plan: str, change: RowChange) -> sql.Composable:
    return sql.SQL(
        "SELECT FROM crossfade.legacy_writes w WHERE w.plan = {} AND w.kind = 'legacy' AND w.column_name = {}"
        " AND w.relation = {}"
    ).format(sql.Literal(plan), sql.Literal(change.old_names), sql.Literal(_NAME))
