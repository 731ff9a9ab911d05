"""A table's two shapes as values, and what is said in PL/pgSQL about one row of them. Pure; see `converted_sync`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.sync import row_triggers
from crossfade.operations.sync.sameness import same

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Default, QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How one column comes from the columns of the other shape."""

    column: str
    type: str
    """The column's, in SQL's quoting."""
    exact: bool
    """Whether `=` of the type tells all values apart."""
    source: tuple[str, ...]
    """The columns that it is computed from."""
    expression: str | None = None
    """Over the source's columns; None is a plain assignment of the only one."""
    fallible: bool = True
    """Whether it may fail for a value."""
    default: Default | None = None
    """The column's default if it is a constant, so that a value can be compared with it; of an old one only."""
    generates: bool = False
    """It has another default, or an identity: what an INSERT leaves out looks like what an old version wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeSync:
    """An old and a new shape of one table that hold the same facts."""

    place: Place
    table: QualifiedName
    members: tuple[QualifiedName, ...]
    """The tables that need triggers of their own: the table itself and its inheritance children."""
    types: Mapping[str, str]
    """The type of every column that a conversion reads, in SQL's quoting."""
    old: tuple[Conversion, ...]
    """The old columns, from the new ones."""
    new: tuple[Conversion, ...]
    """The new columns, from the old ones."""
    told_apart: bool
    """Whether a write of the old shape is a legacy write; not where the name stays the same."""
    lossless: bool = False
    """All of exact types, and each new column has every value of the old one in its place as the same value."""

    @property
    def watched(self) -> tuple[str, ...]:
        """The columns whose change is a change of the old shape: the old ones, and what the new ones are made of."""
        made_of = (name for conversion in self.new for name in conversion.source)
        return tuple(dict.fromkeys((*(c.column for c in self.old), *made_of)))

    @property
    def inserts_told(self) -> bool:
        """Whether a legacy INSERT can be told from one that leaves the old columns to their defaults."""
        return not any(c.generates for c in self.old)

    @property
    def old_names(self) -> str:
        """The old shape, as notes of writes have it."""
        return ", ".join(c.column for c in self.old)

    def name(self, purpose: str) -> str:
        """A name of ours for this sync."""
        return self.place.name(purpose, self.table.schema, self.table.name, *(c.column for c in self.old))


@dataclass(frozen=True, slots=True)
class Row:
    """Writes PL/pgSQL about a row, for the names that the columns have now."""

    sync: ShapeSync
    names: Mapping[str, str]
    arguments: Mapping[str, str] | None = None
    """The names by which a function takes the columns, in place of a trigger's NEW."""

    def field(self, record: str, column: str) -> sql.Composable:
        """`NEW."column"`."""
        if self.arguments is not None:
            return sql.Identifier(self.arguments[column])
        return sql.SQL(record + ".{}").format(sql.Identifier(self.names.get(column, column)))

    def changed(self, column: str) -> sql.Composable:
        """Whether the UPDATE set it to another value."""
        exact = next((c.exact for c in (*self.sync.old, *self.sync.new) if c.column == column), False)
        return sql.SQL("NOT {}").format(same(self.field("NEW", column), self.field("OLD", column), exact=exact))

    def value(self, conversion: Conversion) -> sql.Composable:
        """What the column gets."""
        if conversion.expression is None:
            return self.field("NEW", conversion.source[0])
        arguments = sql.SQL(", ").join(self.field("NEW", name) for name in conversion.source)
        return sql.SQL("{}({})").format(function_of(self.sync, conversion), arguments)

    def assign(self, conversions: Iterable[Conversion]) -> sql.Composed:
        """`NEW.a := …; NEW.b := …;`."""
        return sql.SQL(" ").join(
            sql.SQL("{} := {};").format(self.field("NEW", c.column), self.value(c)) for c in conversions
        )

    def empty(self, conversions: Iterable[Conversion]) -> sql.Composed:
        """All of these columns NULL."""
        return sql.SQL(" ").join(sql.SQL("{} := NULL;").format(self.field("NEW", c.column)) for c in conversions)

    def any_of(self, columns: Iterable[str], told: Callable[[str], sql.Composable]) -> sql.Composed:
        """One of some columns is so."""
        return sql.SQL("({})").format(sql.SQL(" OR ").join(told(column) for column in columns))

    def is_written(self, column: str) -> sql.Composed:
        """Not NULL."""
        return sql.SQL("{} IS NOT NULL").format(self.field("NEW", column))


def function_of(sync: ShapeSync, conversion: Conversion) -> sql.Identifier:
    """The function that an expression of the plan becomes."""
    return row_triggers.own_function(
        sync.place.name("to", sync.table.schema, sync.table.name, sync.old_names, conversion.column)
    )


def columns_of(conversions: Iterable[Conversion]) -> tuple[str, ...]:
    """The columns that these make."""
    return tuple(c.column for c in conversions)


def by_source(conversions: Iterable[Conversion]) -> Iterator[tuple[tuple[str, ...], tuple[Conversion, ...]]]:
    """The conversions by the columns that they are made of."""
    groups: dict[tuple[str, ...], tuple[Conversion, ...]] = {}
    for conversion in conversions:
        groups[conversion.source] = (*groups.get(conversion.source, ()), conversion)
    yield from groups.items()


def columns_read(sync: ShapeSync) -> tuple[str, ...]:
    """Every column that takes part."""
    return tuple(dict.fromkeys((*sync.watched, *columns_of(sync.new), *(n for c in sync.old for n in c.source))))
