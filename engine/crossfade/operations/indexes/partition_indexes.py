"""One index on a table and on all its partitions, as a list of builds: the table's first, then those below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.indexes.chosen_names import key_names, relation_name
from crossfade.operations.indexes.index_build import IndexBuild
from crossfade.operations.tables.table_preflight import family_of
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.indexes.index_definition import IndexDefinition
    from crossfade.postgres.catalog import Catalog, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The index on one table of the family."""

    table: Table
    name: QualifiedName
    """As it is called in the end."""
    parent: Table | None
    """The partitioned table whose index it is attached to."""


def named(
    table: Table,
    name: str,
    definition: IndexDefinition,
    catalog: Catalog,
    *,
    label: str = "idx",
    given_up: frozenset[QualifiedName] = frozenset(),
) -> tuple[Named, ...]:
    """The index on the table and on its partitions, by the names that PostgreSQL gives these.

    `label` is `idx`, or `key` for a constraint; `given_up` are names that are free by the time.
    """
    columns = key_names(definition.keys, definition.include)
    taken = (catalog.relation_names | {i.name for t in catalog.tables for i in t.indexes}) - given_up
    found = [Named(table=table, name=QualifiedName(table.name.schema, name), parent=None)]
    taken = taken | {found[0].name}
    by_name = {t.name: t for t in catalog.tables} | {table.name: table}
    for member in family_of(table, catalog)[1:] if table.kind == "partitioned" else ():
        own = QualifiedName(member.name.schema, relation_name(member.name, columns, label, taken))
        taken = taken | {own}
        parent = None if member.partition_parent is None else by_name.get(member.partition_parent)
        found.append(Named(table=member, name=own, parent=parent))
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """How the builds of a family are called and what they leave."""

    definition: IndexDefinition
    columns: Mapping[str, str]
    """What columns are called at the time, where that is not their name."""
    called: Callable[[Named], QualifiedName]
    """The name under which each is built."""
    comment: Callable[[Named], str | None]


def builds(family: tuple[Named, ...], how: Building) -> Iterator[IndexBuild]:
    """What builds them, by the tables' names until contract."""
    names = {one.table.name: how.called(one) for one in family}
    for one in family:
        relation = one.table.staged
        yield IndexBuild(
            id=names[one.table.name].name if one.parent is None else f"{relation.schema}.{relation.name}",
            name=names[one.table.name],
            definition=how.definition.create(
                names[one.table.name].name, sql.Identifier(relation.schema, relation.name), how.columns
            ),
            partitioned=one.table.kind == "partitioned",
            title=f"build index {one.name.name} on {relation}",
            parent=None if one.parent is None else names[one.parent.name],
            comment=how.comment(one),
            undone=True,
            by_users_path=how.definition.has_expressions or any(k.opclass or k.collation for k in how.definition.keys),
        )
