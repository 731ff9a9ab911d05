"""What a version of an app sends, read from the catalog of a database: its tables, their columns, and which values fit.

    shape_of(database)              the tables of `public` and how they are now
    shape_of_old(old, new)          the old version's: all it ever wrote, as far as the new shape can hold it
    shape_in_between(old, new)      the new version's before contract: of a column whose name both shapes have, the
                                    values that either takes, since a name has one type for all live versions
    shape_of_early(old, new)        the same before the rows of before are converted
    shape_of_both(old, new)         what is the same in both: a version between two plans that come one after the other
    keeps_parameters(old, new)      whether a write that is prepared before contract still works after it

A key has one column, and so has a foreign key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ...fixtures.database import Database

TOOLS_OWN = "_prisma_migrations"
"""A table in `public` that is no app's."""
_WIDER = ("integer", "bigint", "character varying", "text")
"""What one of these holds, each behind it holds as well, written as text."""
_QUERY = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull, a.atthasdef,
       coalesce(k.contype = 'p', false), r.relname,
       ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = a.atttypid ORDER BY enumsortorder)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p' AND k.conkey = ARRAY[a.attnum]
LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]
LEFT JOIN pg_class r ON r.oid = f.confrelid
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> %s
ORDER BY c.relname, a.attnum
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column, and what is sent as its value."""

    name: str
    type: str
    """Without a length; of an enum its name."""
    labels: tuple[str, ...] = ()
    """Of an enum."""
    is_nullable: bool = True
    has_default: bool = False
    references: str | None = None
    """A table, by its key."""

    def agreed(self, other: Column) -> Column | None:
        """What fits this column and the other one; None where nothing does."""
        is_nullable = self.is_nullable and other.is_nullable
        if self.labels and other.labels:
            labels = tuple(label for label in self.labels if label in other.labels)
            return replace(self, labels=labels, is_nullable=is_nullable)
        if self.type != other.type and not {self.type, other.type} <= set(_WIDER):
            return None
        narrower = min(self.type, other.type, key=_rank)
        return replace(self, type=narrower, is_nullable=is_nullable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a primary key of one column."""

    name: str
    key: str
    columns: Mapping[str, Column]


Shape: TypeAlias = Mapping[str, Table]
"""By the table's name."""


def shape_of(database: Database) -> Shape:
    """The tables as they are."""
    keys: dict[str, str] = {}
    columns: dict[str, dict[str, Column]] = {}
    for table, name, type_, not_null, has_default, is_key, references, labels in database.execute(_QUERY, [TOOLS_OWN]):
        columns.setdefault(table, {})[name] = Column(
            name=name,
            type=type_,
            labels=tuple(labels),
            is_nullable=not not_null,
            has_default=has_default,
            references=references,
        )
        if is_key:
            keys[table] = name
    return {name: Table(name=name, key=keys[name], columns=found) for name, found in columns.items()}


def shape_of_old(old: Shape, new: Shape) -> Shape:
    """NULL is written wherever the old shape takes it, and a value that goes is written as well."""

    def sent(was: Column, becomes: Column) -> Column:
        both = was.agreed(becomes)
        return was if both is None else replace(was, type=both.type)

    return {name: _with(table, new, sent) for name, table in old.items()}


def shape_in_between(old: Shape, new: Shape) -> Shape:
    """A column in which no value fits both shapes is left alone until contract."""
    return {name: _with(table, old, lambda becomes, was: becomes.agreed(was)) for name, table in new.items()}


def shape_of_early(old: Shape, new: Shape) -> Shape:
    """A column of the new version's own is NULL where it is not yet filled: nobody can tell NULL that is written."""

    def early(table: Table) -> Table:
        there = old[table.name].columns if table.name in old else {}
        columns = {n: c if n in there else replace(c, is_nullable=False) for n, c in table.columns.items()}
        return replace(table, columns=columns)

    return {name: early(table) for name, table in shape_in_between(old, new).items()}


def shape_of_both(old: Shape, new: Shape) -> Shape:
    """The tables and columns that both have, with the same type."""

    def same(was: Column, becomes: Column) -> Column | None:
        return was.agreed(becomes) if was.type == becomes.type else None

    def shared(table: Table) -> Table:
        there = {name: column for name, column in table.columns.items() if name in new[table.name].columns}
        return _with(replace(table, columns=there), new, same)

    return {name: shared(table) for name, table in old.items() if name in new}


def keeps_parameters(old: Shape, new: Shape) -> bool:
    """Whether what is sent for a column of before is assigned to the one of the same name behind it.

    A prepared write keeps the type of each parameter; an enum that takes another one's place is another type.
    """
    both = (
        (column, new[table.name].columns[name])
        for table in old.values()
        for name, column in table.columns.items()
        if table.name in new and name in new[table.name].columns
    )
    return all(set(was.labels) <= set(becomes.labels) and _is_assigned(was, becomes) for was, becomes in both)


def _is_assigned(was: Column, becomes: Column) -> bool:
    return was.type == becomes.type or _rank(was.type) < _rank(becomes.type) or becomes.type == "character varying"


def _with(table: Table, others: Shape, sent: Callable[[Column, Column], Column | None]) -> Table:
    """The table with what is sent of each column that the other shape has under the same name."""
    there = others[table.name].columns if table.name in others else {}
    found = ((sent(column, there[name]) if name in there else column) for name, column in table.columns.items())
    return replace(table, columns={column.name: column for column in found if column is not None})


def _rank(type_: str) -> int:
    return _WIDER.index(type_) if type_ in _WIDER else 0
