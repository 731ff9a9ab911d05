"""The schema that linted migrations begin with: that of a database, or an empty one of a version."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crossfade.migrations.migration import Project
    from crossfade.postgres.forecast import Schema

_UNKNOWN_ZONE = "unknown"
"""No zone that PostgreSQL knows, so nothing is taken to be UTC."""


def empty_schema(server_version: int) -> Schema:
    """Nothing is known but the version: what the files do not make is taken to be there, with rows."""
    from crossfade.postgres.catalog import Catalog
    from crossfade.postgres.forecast import Schema

    return Schema.of(Catalog(server_version=server_version, time_zone=_UNKNOWN_ZONE))


def schema_of_database(url: str, projects: Iterable[Project]) -> Schema:
    """The tables that the migrations name, and those that foreign keys connect with them, as they are, with their rows.

    Reads only. Raises what connecting and reading raise.
    """
    from crossfade.postgres.catalog_read import read_with_partners
    from crossfade.postgres.connect import connect, database_url
    from crossfade.postgres.forecast import Schema

    named = dict.fromkeys(_relations(projects))
    with closing(connect(database_url(url))) as connection:
        # The role's own search_path says which table a name without a schema means.
        connection.execute("RESET search_path")
        catalog = read_with_partners(connection, named)
    # What is read is the zone of our own session, and the tool that applies the migrations has one of its own.
    return Schema.of(replace(catalog, time_zone=_UNKNOWN_ZONE))


def _relations(projects: Iterable[Project]) -> Iterator[tuple[str | None, str]]:
    """Every name in the migrations that may be one of a relation."""
    for project in projects:
        for migration in project.migrations:
            for script in (migration.up, migration.down):
                for statement in script.statements if script is not None else ():
                    yield from _in_statement(statement.tree)


def _in_statement(tree: Any) -> Iterator[tuple[str | None, str]]:
    from crossfade.postgres.forecast.trees import below, kind, names

    for node in below(tree):
        if kind(node) == "RangeVar":
            yield node.schemaname, node.relname
        elif kind(node) == "DropStmt":
            for parts in map(names, node.objects):
                if parts:
                    yield parts[-2] if len(parts) > 1 else None, parts[-1]
