"""Copies of the indexes of columns for their twins, so that these are as fast and as usable in ON CONFLICT.

Every index in which such a column stands (key, INCLUDE, expression or predicate) is built again over the twin. The
definitions are PostgreSQL's own; columns are exchanged in the parse tree, never in the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.operations.indexes.index_build import IndexBuild, printed
from crossfade.operations.tables.table_preflight import family_of
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.own_names import mark, own_name

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Catalog, Index, Table


NO_TYPES: Mapping[QualifiedName, QualifiedName] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexCopy:
    """An index, and its copy over the twins of its columns."""

    table: Table
    """The table, partition or child that it belongs to."""
    index: Index
    name: QualifiedName
    """Of the copy."""
    definition: str
    """Of the copy."""


def deferrable(table: Table) -> frozenset[str | None]:
    """The table's deferrable constraints."""
    return frozenset(c.name for c in table.constraints if c.deferrable)


def copies(
    plan: str,
    table: Table,
    twins: Mapping[str, str],
    catalog: Catalog,
    *,
    lax: frozenset[str | None],
    types: Mapping[QualifiedName, QualifiedName] = NO_TYPES,
) -> tuple[IndexCopy, ...]:
    """A copy of every valid index that uses one of these columns of the table, parents of partitions first.

    The copy of an index under one of the constraints in `lax` is not unique; `types` are as in `exchange_types`.
    """
    return tuple(
        IndexCopy(
            table=member,
            index=index,
            name=QualifiedName(index.name.schema, own_name("ix", plan, index.name.schema, index.name.name, *twins)),
            definition=over_twins(index, twins, lax, types),
        )
        for member in family_of(table, catalog)
        for index in member.indexes
        if index.valid and index.references & twins.keys()
    )


def builds(plan: str, copied: tuple[IndexCopy, ...]) -> Iterator[IndexBuild]:
    """What builds them."""
    names = {copy.index.name: copy.name for copy in copied}
    for copy in copied:
        yield IndexBuild(
            id=copy.index.name.name,
            name=copy.name,
            definition=copy.definition,
            partitioned=copy.table.kind == "partitioned",
            title=f"build a copy of index {copy.index.name.name} over the new shape",
            parent=None if copy.index.parent is None else names.get(copy.index.parent),
            comment=mark(plan),
        )


def over_twins(
    index: Index,
    twins: Mapping[str, str],
    lax: frozenset[str | None],
    types: Mapping[QualifiedName, QualifiedName] = NO_TYPES,
) -> str:
    """The index's definition over the twins.

    What stays an index beside a deferrable constraint must not be unique: it would check at once what the constraint
    checks at commit, and ON CONFLICT cannot use such a constraint anyway.
    """
    from pglast import parse_sql

    node: Any = parse_sql(index.definition)[0].stmt
    exchange_columns(node, twins)
    exchange_types(node, types)
    # Only a btree can be made unique by CREATE INDEX; that of WITHOUT OVERLAPS is a gist.
    node.unique = node.unique and index.method == "btree" and index.constraint not in lax
    return printed(node)


def exchange_columns(node: Any, twins: Mapping[str, str]) -> None:
    """Put other columns in the place of some throughout a parse tree over one table."""
    from pglast import ast
    from pglast.visitors import Visitor

    class Exchange(Visitor):
        """Column references, and plain keys of indexes and statistics."""

        def visit_IndexElem(self, _ancestors: Any, elem: Any) -> None:  # noqa: N802  # pglast finds it by this name
            if elem.name is not None:
                elem.name = twins.get(elem.name, elem.name)

        def visit_StatsElem(self, _ancestors: Any, elem: Any) -> None:  # noqa: N802  # as above
            if elem.name is not None:
                elem.name = twins.get(elem.name, elem.name)

        def visit_ColumnRef(self, _ancestors: Any, ref: Any) -> None:  # noqa: N802  # as above
            last = ref.fields[-1]
            if isinstance(last, ast.String):
                name = str(last.sval)
                ref.fields = (*ref.fields[:-1], ast.String(sval=twins.get(name, name)))

    Exchange()(node)


def exchange_types(node: Any, types: Mapping[QualifiedName, QualifiedName]) -> None:
    """Put other types in the place of some throughout a parse tree of the server's own text."""
    from pglast import ast
    from pglast.visitors import Visitor

    class Exchange(Visitor):
        """The types of casts; PostgreSQL prints those outside `pg_catalog` with their schema."""

        def visit_TypeName(self, _ancestors: Any, written: Any) -> None:  # noqa: N802  # pglast finds it by this name
            parts = [str(part.sval) for part in written.names or ()]
            other = types.get(QualifiedName(*parts)) if len(parts) == 2 else None
            if other is not None:
                written.names = (ast.String(sval=other.schema), ast.String(sval=other.name))

    if types:
        Exchange()(node)
