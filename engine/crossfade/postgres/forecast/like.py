"""LIKE in CREATE TABLE: the CHECKs, keys and indexes that INCLUDING copies besides the columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import Constraint, Index, QualifiedName, Table
from crossfade.postgres.forecast.chosen_names import chosen_name, numbered
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.postgres.forecast.schema import Schema

_CONSTRAINTS, _INDEXES = 1 << 2, 1 << 6
"""The bits of INCLUDING CONSTRAINTS and INCLUDING INDEXES; ALL has both."""


def liked(schema: Schema, node: Any) -> Iterator[tuple[Any, Table]]:
    """Each LIKE of a CREATE TABLE, with the table that it copies."""
    for element in node.tableElts or ():
        if kind(element) == "TableLikeClause":
            found = schema.find(element.relation.schemaname, element.relation.relname)
            if found is not None:
                yield element, found


def with_copies(table: Table, clause: Any, source: Table, taken: Iterable[str]) -> Table:
    """The table with what the clause copies; `taken` are the names of relations in its schema.

    Foreign keys are never copied. A CHECK that is not validated is valid in the copy, which has no rows.
    """
    if clause.options & _CONSTRAINTS:
        checks = (c for c in source.constraints if c.kind == "check")
        copies = (replace(c, validated=c.enforced, inherited=False, is_local=True, comment=None) for c in checks)
        table = replace(table, constraints=(*table.constraints, *copies))
    for index in source.indexes if clause.options & _INDEXES else ():
        table = _with_index(table, index, source, {*taken, *(i.name.name for i in table.indexes)})
    return table


def _with_index(table: Table, index: Index, source: Table, taken: set[str]) -> Table:
    held = next((c for c in source.constraints if c.name == index.constraint), None)
    columns = () if index.primary else numbered(column or "expr" for column in index.columns)
    name = chosen_name(table.name.name, columns, _label(index, held), {*taken, *table.constraint_names})
    copy = Index(
        name=QualifiedName(table.name.schema, name),
        definition="",
        method=index.method,
        columns=index.columns,
        key_count=index.key_count,
        references=index.references,
        unique=index.unique,
        primary=index.primary,
        exclusion=index.exclusion,
        nulls_not_distinct=index.nulls_not_distinct,
        partial=index.partial,
        has_expressions=index.has_expressions,
        constraint=name if held is not None else None,
    )
    keys = () if held is None else (_key(held, name),)
    return replace(table, indexes=(*table.indexes, copy), constraints=(*table.constraints, *keys))


def _key(held: Constraint, name: str) -> Constraint:
    return replace(held, name=name, index=name, inherited=False, is_local=True, comment=None, needed_by=())


def _label(index: Index, held: Constraint | None) -> str:
    if index.primary:
        return "pkey"
    if held is None:
        return "idx"
    return "excl" if index.exclusion else "key"
