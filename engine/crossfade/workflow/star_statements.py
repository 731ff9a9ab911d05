"""Statements of applications that take a table's columns by `*`, from what pg_stat_statements has seen.

A tool that adds a column in place cannot keep such a statement from feeling it; a person has to know and accept it.
Nothing seen is no proof: the statistics are lost with every reset and keep only the most frequent statements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from crossfade.operations.acks import STAR
from crossfade.operations.step import Caution
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.seen_text import shortened

_MOST = 10
"""Statements that are named for each table, the most frequent first."""

# Statements inside functions are left out: what a function caches, it plans anew. Version 1.8 of the extension, which a
# database may have kept through an upgrade of its server, has no `toplevel`.
_SEEN = """
SELECT s.query AS text,
       coalesce(array_agg(DISTINCT r.rolname::text) FILTER (WHERE r.rolname IS NOT NULL), '{{}}') AS roles
FROM {statements} s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.userid
WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND (s.query LIKE '%%*%%' OR s.query ILIKE '%%table%%')
  AND EXISTS (SELECT FROM pg_catalog.unnest(%(names)s::text[]) AS name
              WHERE pg_catalog.strpos(pg_catalog.lower(s.query), pg_catalog.lower(name)) > 0)
  AND coalesce((pg_catalog.to_jsonb(s) ->> 'toplevel')::boolean, true)
GROUP BY s.query
ORDER BY pg_catalog.sum(s.calls) DESC, s.query
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A statement's text, with its constants taken out, and who ran it."""

    text: str
    roles: list[str]


def star_cautions(
    connection: psycopg.Connection[Any], tables: tuple[QualifiedName, ...], extension: QualifiedName | None
) -> tuple[Caution, ...]:
    """A caution for each statement seen in this database that takes the columns of one of the tables by a star.

    `extension` is pg_stat_statements with its schema; None, or one that cannot be read, gives no cautions.
    """
    from crossfade.workflow.star_references import find_stars

    seen = _seen(connection, tables, extension) if extension is not None and tables else ()
    stars = [(statement, find_stars(statement.text, tables)) for statement in seen]
    cautions: list[Caution] = []
    for table in tables:
        fixed = [(s, _FIXED) for s, found in stars if table in found.fixed]
        prepared = [(s, _PREPARED) for s, found in stars if table in found.result - found.fixed]
        cautions += _cautions(table, [*fixed, *prepared])
    return tuple(cautions)


_PREPARED = (
    "Where it is prepared on the server it fails with `cached plan must not change result type` after the column is "
    "added and again after contract, until its session prepares it anew. Name the columns in it, or restart those "
    "sessions after each of the two."
)
_FIXED = "It fails from the moment the column is added, since the number of columns no longer fits. Name them in it."


def _cautions(table: QualifiedName, found: Sequence[tuple[_Seen, str]]) -> Iterator[Caution]:
    for statement, why in found[:_MOST]:
        by = f" by {', '.join(statement.roles)}" if statement.roles else ""
        yield _caution(table, f"`{shortened(statement.text)}`{by} takes its columns by `*`. {why}")
    if len(found) > _MOST:
        yield _caution(table, f"{len(found) - _MOST} more statements take its columns by `*`.")


def _caution(table: QualifiedName, message: str) -> Caution:
    return Caution(code="star", object=str(table), message=message, ack=STAR)


def _seen(
    connection: psycopg.Connection[Any], tables: Sequence[QualifiedName], extension: QualifiedName
) -> Sequence[_Seen]:
    query = sql.SQL(_SEEN).format(statements=sql.Identifier(extension.schema, "pg_stat_statements"))
    names = [t.name.replace('"', '""') for t in tables]
    try:
        with connection.transaction(), connection.cursor(row_factory=class_row(_Seen)) as cursor:
            return cursor.execute(query, {"names": names}).fetchall()
    except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.InsufficientPrivilege):
        return ()  # not preloaded, or its view is not for everybody
