"""A table that is to be made, tried as a temporary one of its name: as a whole, then, to name what is wrong, in parts.

Its foreign keys to other tables, which a temporary one cannot have, are tried by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.tables.new_table import Elements, primary_key
from crossfade.operations.trial import Trial
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.plan.changes import CreateTable
    from crossfade.plan.changes.create_table import NewColumn
    from crossfade.plan.expressions import Expression

_THERE = "pg_temp"


def whole(change: CreateTable, name: QualifiedName) -> Trial:
    """All of it but its foreign keys to others."""
    relation, elements = _relation(change), Elements(change, {change.name: QualifiedName(_THERE, change.name.name)})
    statements = (elements.create(relation), *elements.indexes(relation), *elements.grants(relation))
    return _trial(f"create_table {name}", ", ".join(change.columns), statements, tuple(_parts(change, name)))


def _parts(change: CreateTable, name: QualifiedName) -> Iterator[Trial]:
    """Each column, constraint, index and grant, with no more of the table than it needs."""
    relation, elements = _relation(change), Elements(change, {})
    place = f"of create_table {name}"
    for column, text in elements.columns.items():
        others = [used for used in _used_by(change.columns[column]) if used != column]
        made = _table(relation, (text, *_bare(change, others)))
        yield _trial(f"columns.{column} {place}", render(text), (made,))
    if change.primary_key is not None:
        made = _table(relation, (*_bare(change, change.primary_key), primary_key(change.primary_key)))
        yield _trial(f"primary_key {place}", ", ".join(change.primary_key), (made,))
    for constraint in change.constraints:
        used = constraint.unique or _columns(constraint.check)
        made = _table(relation, (*_bare(change, used), elements.constraints[constraint.name]))
        yield _trial(f"constraints.{constraint.name} {place}", render(elements.constraints[constraint.name]), (made,))
    for index, text in zip(change.indexes, elements.indexes(relation), strict=True):
        made = _table(relation, _bare(change, (*index.columns, *_columns(index.where))))
        yield _trial(f"indexes.{index.name} {place}", index.name, (made, text))
    for role, text in zip(change.grants, elements.grants(relation), strict=True):
        yield _trial(f"grants.{role} {place}", role, (_table(relation, ()), text))


def _relation(change: CreateTable) -> sql.Identifier:
    return sql.Identifier(_THERE, change.name.name)


def _table(relation: sql.Identifier, elements: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL("CREATE TABLE {} ({})").format(relation, sql.SQL(", ").join(elements))


def _bare(change: CreateTable, names: Iterable[str]) -> Iterator[sql.Composed]:
    """Those that there are, with nothing but their types."""
    for name in dict.fromkeys(n for n in names if n in change.columns):
        yield sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(change.columns[name].type.sql))


def _used_by(column: NewColumn) -> Iterator[str]:
    """The columns that its expressions name."""
    yield from _columns(column.check)
    yield from _columns(None if column.generated is None else column.generated.expression)


def _columns(expression: Expression | None) -> tuple[str, ...]:
    return () if expression is None else expression.columns


def _trial(where: str, shown: str, statements: Iterable[sql.Composed], parts: tuple[Trial, ...] = ()) -> Trial:
    return Trial(
        where=where,
        shown=shown,
        columns=(("one", "pg_catalog.int4"),),
        statement="; ".join(map(render, statements)),
        parts=parts,
    )
