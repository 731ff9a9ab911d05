"""The schema that linted migrations begin with: that of a database, or an empty one of a version."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.plan.fixed import NOTHING_FIXED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crossfade.migrations.migration import Project
    from crossfade.migrations.typed import Enums
    from crossfade.plan.fixed import Fixed
    from crossfade.postgres.forecast import Schema

_UNKNOWN_ZONE = "unknown"
"""No zone that PostgreSQL knows, so nothing is taken to be UTC."""


def empty_schema(server_version: int) -> Schema:
    """Nothing is known but the version: what the files do not make is taken to be there, with rows."""
    from crossfade.postgres.catalog import Catalog
    from crossfade.postgres.forecast import Schema

    return Schema.of(Catalog(server_version=server_version, time_zone=_UNKNOWN_ZONE))


def schema_of_database(url: str, projects: Iterable[Project], fixed: Fixed = NOTHING_FIXED) -> Schema:
    """The tables that the migrations name, those that use a type that they change, and those that foreign keys connect
    with them, as they are, with their rows; where something is fixed, all others in outline.

    Reads only. Raises what connecting and reading raise.
    """
    from crossfade.postgres.catalog_read import read_with_partners
    from crossfade.postgres.connect import connect, database_url
    from crossfade.postgres.domain_users import relations_with
    from crossfade.postgres.forecast import Schema
    from crossfade.postgres.outlines import outlined

    trees = [tree for project in projects for tree in _trees(project)]
    named = dict.fromkeys(name for tree in trees for name in _in_statement(tree))
    types = dict.fromkeys(name for tree in trees for name in _types(tree))
    with closing(connect(database_url(url))) as connection:
        # The role's own search_path says which table a name without a schema means.
        connection.execute("RESET search_path")
        catalog = read_with_partners(connection, named | dict.fromkeys(relations_with(connection, types)))
        # What is read is the zone of our own session, and the tool that applies the migrations has one of its own.
        schema = replace(Schema.of(replace(catalog, time_zone=_UNKNOWN_ZONE)), is_complete=True)
        return outlined(connection, schema) if fixed.entries else schema


def enums_of_database(url: str) -> Enums:
    """The labels of its enums. Reads only; raises what connecting and reading raise."""
    from crossfade.migrations.typed import Enums
    from crossfade.postgres.connect import connect, database_url
    from crossfade.postgres.type_facts import read_type_facts

    with closing(connect(database_url(url))) as connection:
        facts = read_type_facts(connection)
    return Enums({name: one.labels for name, one in facts.items() if one.kind == "enum"})


def _trees(project: Project) -> Iterator[Any]:
    """Every statement of the migrations, and those in the bodies that they have."""
    from crossfade.lint.called import with_bodies

    for migration in project.migrations:
        for script in (migration.up, migration.down):
            for statement, bodies in with_bodies(script.statements) if script is not None else ():
                yield statement.tree
                yield from (inner.tree for body in bodies for inner in body.statements)


def _types(tree: Any) -> Iterator[tuple[str | None, str]]:
    """The types that a statement changes or drops, whose users are what it works on."""
    from crossfade.postgres.forecast.trees import kind, names

    of_types = {"OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_ATTRIBUTE", "OBJECT_DOMCONSTRAINT"}
    found: list[tuple[str, ...]] = []
    match kind(tree):
        case "AlterDomainStmt" | "AlterEnumStmt":
            found = [names(tree.typeName)]
        case "AlterTableStmt" if tree.objtype.name in of_types:
            yield tree.relation.schemaname, tree.relation.relname
        case "DropStmt" if tree.removeType.name in of_types:
            found = [names(dropped.names) for dropped in tree.objects]
        case "RenameStmt" if tree.renameType.name in of_types:
            if tree.relation is not None:
                yield tree.relation.schemaname, tree.relation.relname
            else:
                found = [names(tree.object)]
    yield from ((parts[-2] if len(parts) > 1 else None, parts[-1]) for parts in found if parts)


def _in_statement(tree: Any) -> Iterator[tuple[str | None, str]]:
    """Every name in it that may be one of a relation."""
    from crossfade.postgres.forecast.trees import below, kind, names

    for node in below(tree):
        if kind(node) == "RangeVar":
            yield node.schemaname, node.relname
        elif kind(node) == "DropStmt":
            for parts in map(names, node.objects):
                if parts:
                    yield parts[-2] if len(parts) > 1 else None, parts[-1]
