"""What stands in the way of an index, and what to know before it is built: pure functions over the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import right_refusals
from crossfade.operations.indexes.index_definition import as_index
from crossfade.operations.rows import data_preflight
from crossfade.operations.step import Caution
from crossfade.operations.tables.table_preflight import OLDEST_SERVER, family_of, table_refusals
from crossfade.plan.names import TableName
from crossfade.plan.words import nearest_word
from crossfade.postgres.names import QualifiedName, quoted

if TYPE_CHECKING:
    from crossfade.operations.indexes.index_definition import IndexDefinition
    from crossfade.postgres.catalog import Catalog, Index, Table

_FIRST_WITH_NULLS_NOT_DISTINCT = 150000


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIndex:
    """An index that a plan names."""

    table: Table
    index: Index


def find(name: TableName, catalog: Catalog) -> FoundIndex | tuple[Refusal, ...]:
    """The index that a plan means and its table, or why it cannot be worked on."""
    schemas = catalog.search_path if name.schema is None else (name.schema,)
    for schema in schemas:
        wanted = QualifiedName(schema, name.name)
        for table in catalog.tables:
            for index in table.indexes:
                if index.name == wanted:
                    return _usable(table, index, catalog)
    known = {str(i.name): str(i.name) for t in catalog.tables for i in t.indexes}
    known |= {i.name.name: str(i.name) for t in catalog.tables for i in t.indexes}
    near = nearest_word(str(name), known)
    return (
        Refusal(
            code="no_such_index",
            object=str(name),
            message=f"there is no index {name} of a table in database {catalog.database}.",
            instead=f"Did you mean {known[near]}?" if near else "Write it as schema.name if it is off the search_path.",
        ),
    )


def _usable(table: Table, index: Index, catalog: Catalog) -> FoundIndex | tuple[Refusal, ...]:
    refusals = tuple(table_refusals(TableName(table.name.schema, table.name.name), catalog))
    refusals = refusals or tuple(right_refusals(family_of(table, catalog)))
    return refusals or FoundIndex(table=table, index=index)


def shape_refusals(definition: IndexDefinition, table: Table, catalog: Catalog) -> Iterator[Refusal]:
    """What an index over these columns of this table cannot do with."""
    family = family_of(table, catalog)
    yield from data_preflight.unknown_columns(table, definition.used_columns)
    yield from right_refusals(family)
    for member in family:
        if not member.can_create_in_schema and not member.indexes and member.owned:
            yield Refusal(
                code="no_create_right",
                object=member.name.schema,
                message=f"this role may not create indexes in schema {member.name.schema}.",
                instead=f"GRANT CREATE ON SCHEMA {member.name.schema} to it.",
            )
        if member.kind == "foreign" and table.kind == "partitioned":
            yield Refusal(
                code="foreign_partition",
                object=str(member.name),
                message="a partition is a foreign table, which has no index, so the whole would never be valid.",
                instead="Build it on the other partitions one by one.",
            )
    if definition.nulls_not_distinct and OLDEST_SERVER <= catalog.server_version < _FIRST_WITH_NULLS_NOT_DISTINCT:
        yield Refusal(
            code="server_version",
            object=str(table.name),
            message="NULLS NOT DISTINCT needs PostgreSQL 15 or newer.",
            instead="Leave `nulls_not_distinct` out.",
        )
    if definition.unique:
        yield from key_refusals(definition, family)


def key_refusals(definition: IndexDefinition, family: tuple[Table, ...]) -> Iterator[Refusal]:
    """Uniqueness over all partitions is known only where each value has its one partition."""
    keys = {key.column for key in definition.keys}
    for member in family:
        missing = [c for c in member.partition_key_columns if c not in keys]
        if missing:
            yield Refusal(
                code="partition_key",
                object=str(member.name),
                message=f"a unique index of a partitioned table has to have the partition key among its columns; "
                f"{', '.join(map(quoted, missing))} is not.",
                instead="Add it to `columns`, or build a unique index on each partition.",
            )
            return


def name_refusals(name: str, table: Table, definition: IndexDefinition | None, catalog: Catalog) -> Iterator[Refusal]:
    """A new index's name has to be free in its schema."""
    wanted = QualifiedName(table.name.schema, name)
    if wanted not in catalog.relation_names and wanted not in {i.name for t in catalog.tables for i in t.indexes}:
        return
    there = table.index(name)
    if there is None:
        yield Refusal(
            code="name_taken",
            object=str(wanted),
            message="there is another relation of that name.",
            instead="Choose another name.",
        )
    elif not there.valid:
        yield Refusal(
            code="invalid_index",
            object=str(wanted),
            message="there is an index of that name that is not valid: a build was cut off, or is still under way.",
            instead=f"Once nobody builds it any more: DROP INDEX CONCURRENTLY {wanted}.",
        )
    elif definition is not None and is_like(there, definition, table):
        yield Refusal(
            code="index_exists",
            object=str(wanted),
            message="it is there already, and just like this.",
            instead="Leave the change out.",
        )
    else:
        yield Refusal(
            code="index_exists",
            object=str(wanted),
            message=f"there is an index of that name already, which is another one: {there.definition}.",
            instead="Choose another name, or use `replace_index`.",
        )


def is_like(index: Index, definition: IndexDefinition, table: Table) -> bool:
    """Whether an index is what this definition says, name apart, as far as the texts tell."""
    return are_alike(index.definition, as_index(definition, index.name, table.name, None).definition)


def are_alike(one: str, other: str) -> bool:
    """Whether two CREATE INDEX make the same of their tables, names apart, as far as the texts tell."""
    tree = _comparable(one)
    return tree is not None and tree == _comparable(other)


def _comparable(definition: str) -> object:
    """The parse tree with the names, and what is the default, taken out."""
    from pglast import parse_sql
    from pglast.enums import SortByDir, SortByNulls
    from pglast.parser import ParseError

    try:
        node: Any = parse_sql(definition)[0].stmt
    except ParseError:
        return None
    node.idxname, node.concurrent, node.relation = None, False, None
    for key in node.indexParams:
        if key.ordering == SortByDir.SORTBY_ASC:
            key.ordering = SortByDir.SORTBY_DEFAULT
        natural = SortByNulls.SORTBY_NULLS_FIRST
        if key.ordering == SortByDir.SORTBY_DEFAULT:
            natural = SortByNulls.SORTBY_NULLS_LAST
        if key.nulls_ordering == natural:
            key.nulls_ordering = SortByNulls.SORTBY_NULLS_DEFAULT
    return node


def like_cautions(name: str, definition: IndexDefinition, table: Table) -> Iterator[Caution]:
    """An index that is there already and would be the same."""
    for index in table.indexes:
        if index.name.name != name and index.valid and is_like(index, definition, table):
            yield Caution(
                code="index_exists",
                object=str(index.name),
                message=f"it is just like {quoted(name)}, which would be a second one for every write to keep up.",
            )


def with_index(catalog: Catalog, table: Table, index: Index) -> Catalog:
    """The catalog with one index more, or with this one in place of that of its name."""
    others = tuple(i for i in table.indexes if i.name != index.name)
    changed = catalog.with_table(replace(table, indexes=(*others, index)))
    return replace(changed, relation_names=changed.relation_names | {index.name})


def without_index(catalog: Catalog, table: Table, index: Index) -> Catalog:
    """The catalog without it. Its name is free only at the very end, so for the plan's other changes it is not."""
    return catalog.with_table(replace(table, indexes=tuple(i for i in table.indexes if i.name != index.name)))
