"""Rows that a coming proof would stop at, counted in preflight for a few seconds; a caution where there are any.

What is found is no refusal: the rows may be repaired before the step. What is not found says nothing of what is written
meanwhile; the step validates, and tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.operations.step import Caution
from crossfade.operations.trial import ViolationLook

if TYPE_CHECKING:
    from crossfade.operations.trial import UniqueLook

Connection = psycopg.Connection[Any]
MOST = 1000
SECONDS = 5


def violation_cautions(connection: Connection, looks: Iterable[UniqueLook | ViolationLook]) -> tuple[Caution, ...]:
    """What is found of it, for each; the session's search_path is `pg_catalog`."""
    found = (_caution(connection, look) for look in looks if isinstance(look, ViolationLook))
    return tuple(caution for caution in found if caution is not None)


def _caution(connection: Connection, look: ViolationLook) -> Caution | None:
    try:
        count = _count(connection, look)
    except psycopg.errors.QueryCanceled:
        said = f"rows {look.what} were looked for for {SECONDS} s, which was not enough"
    except psycopg.Error:
        # An earlier change of the plan makes the table or its columns, or the rights are missing, which is said.
        return None
    else:
        if not count:
            return None
        number = f"{MOST} rows or more" if count == MOST else f"{count} row{'s' if count > 1 else ''}"
        said = f"it has {number} {look.what}"
    return Caution(code="violating_rows", object=look.table, message=f"{said}. {look.then}")


def _count(connection: Connection, look: ViolationLook) -> int:
    text = sql.SQL("SELECT pg_catalog.count(*) FROM (SELECT FROM {} WHERE {} LIMIT {}) AS found").format(
        sql.SQL(look.table), sql.SQL(look.violated), sql.Literal(MOST)
    )
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(f"{SECONDS}s")))
        row = connection.execute(text).fetchone()
    return row[0] if row else 0
