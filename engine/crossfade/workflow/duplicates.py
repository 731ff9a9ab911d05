"""Rows that a coming uniqueness would refuse, looked for in preflight: a few examples, within a few seconds.

What is found is no refusal: there is time until contract to make the rows differ. What is not found says nothing of
what is written meanwhile; the index is built at contract and tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.operations.step import Caution
from crossfade.operations.trial import UniqueLook
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.trial import ViolationLook
    from crossfade.postgres.catalog import Catalog

Connection = psycopg.Connection[Any]
EXAMPLES = 5
SECONDS = 5


def duplicate_cautions(
    connection: Connection, looks: Iterable[UniqueLook | ViolationLook], catalog: Catalog
) -> tuple[Caution, ...]:
    """What is found of it, for each; the session's search_path is `pg_catalog`."""
    found = (_caution(connection, look, catalog) for look in looks if isinstance(look, UniqueLook))
    return tuple(caution for caution in found if caution is not None)


def _caution(connection: Connection, look: UniqueLook, catalog: Catalog) -> Caution | None:
    known = {str(t.staged): {c.name for c in t.columns if c.staged == c.name} for t in catalog.tables}
    if not set(look.columns) <= known.get(look.table, set()):
        # An earlier change of the plan makes them.
        return None
    columns = ", ".join(map(quoted, look.columns))
    try:
        groups = _groups(connection, look)
    except psycopg.errors.QueryCanceled:
        said = f"rows with the same ({columns}) were looked for in {look.table} for {SECONDS} s, which was not enough"
    except psycopg.Error:
        # What is wrong with it is said by the trial, or by the rights.
        return None
    else:
        if not groups:
            return None
        shown = "; ".join(f"({', '.join(map(str, values))}) {count} times" for *values, count in groups)
        more = " and perhaps more" if len(groups) == EXAMPLES else ""
        said = f"{look.table} has rows with the same ({columns}): {shown}{more}"
    return Caution(
        code="duplicates",
        object=look.constraint,
        message=f"{said}. Contract cannot enforce it as long as there are any; make them differ before, and see that "
        "no version writes more.",
    )


def _groups(connection: Connection, look: UniqueLook) -> list[tuple[Any, ...]]:
    columns = [sql.Identifier(name) for name in look.columns]
    conditions = [] if look.nulls_equal else [sql.SQL("{} IS NOT NULL").format(c) for c in columns]
    if look.where is not None:
        conditions.append(sql.SQL("({})").format(sql.SQL(look.where)))
    text = sql.SQL("SELECT {}, pg_catalog.count(*) FROM {} {} GROUP BY {} HAVING count(*) > 1 LIMIT {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(c) for c in columns),
        sql.SQL(look.table),
        sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions)) if conditions else sql.SQL(""),
        sql.SQL(", ").join(columns),
        sql.Literal(EXAMPLES),
    )
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        connection.execute("SET LOCAL search_path TO DEFAULT")
        connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(f"{SECONDS}s")))
        return connection.execute(text).fetchall()
