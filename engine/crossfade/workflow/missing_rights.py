"""Rights that the role of the session lacks, each as the GRANT that gives it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.rows.row_effects import Right

Connection = psycopg.Connection[Any]


def missing_rights(connection: Connection, rights: Iterable[Right], role: str) -> Iterator[str]:
    """The GRANT for each right that the role lacks; where no column is named, one on any column counts."""
    for right in dict.fromkeys(rights):
        row = connection.execute(
            "SELECT CASE WHEN %(columns)s::text[] = '{}' AND %(privilege)s::text <> 'DELETE'"
            " THEN pg_catalog.has_any_column_privilege(r, %(privilege)s)"
            " ELSE pg_catalog.has_table_privilege(r, %(privilege)s)"
            " OR (SELECT pg_catalog.bool_and(pg_catalog.has_column_privilege(r, c, %(privilege)s))"
            " FROM pg_catalog.unnest(%(columns)s::text[]) AS c) END"
            " FROM (SELECT %(relation)s::pg_catalog.regclass::pg_catalog.oid) AS t (r)",
            {"relation": str(right.relation), "privilege": right.privilege, "columns": list(right.columns)},
        ).fetchone()
        if row is None or not row[0]:
            yield _grant(right, role)


def _grant(right: Right, role: str) -> str:
    columns = sql.SQL(", ").join(sql.Identifier(c) for c in right.columns)
    return render(
        sql.SQL("GRANT {}{} ON {} TO {}").format(
            sql.SQL(right.privilege),
            sql.SQL(" ({})").format(columns) if right.columns else sql.SQL(""),
            sql.Identifier(right.relation.schema, right.relation.name),
            sql.Identifier(role),
        )
    )
