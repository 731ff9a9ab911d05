"""A column and the twin of another type that takes its place: their names, and the table afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.operations.step import Caution
from crossfade.operations.sync import conversions
from crossfade.operations.tables.table_preflight import family_of
from crossfade.operations.twins.exchange import Twin
from crossfade.postgres.own_names import own_name

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Catalog, Column, DataType, Table


def twin_of(column: Column, table: Table, data_type: DataType, place: Place, into: str | None = None) -> Twin:
    """The twin; with `into` it keeps a name of its own."""
    where = (place.plan, table.name.schema, table.name.name, column.name)
    return Twin(
        column=column,
        name=into or own_name("twin", *where),
        final=into or column.name,
        hidden=own_name("old", *where),
        type=data_type,
        keeps_null_out=conversions.never_fails(data_type.base, column.base_type, modified="(" in column.type),
    )


def assigned(twin: Twin, column: Column, *, back: bool) -> str:
    """What happens to a value without an expression of the plan, for people."""
    old, new = f"{column.name} {column.type}", f"{twin.final} {twin.type.spelling}"
    return f"{new} assigned to {old}" if back else f"{old} assigned to {new}"


def retyped(table: Table, column: Column, data_type: DataType, name: str | None = None) -> Table:
    """The table with the column of another type, and name if one is given."""
    other = replace(
        column,
        name=name or column.name,
        type=data_type.spelling,
        type_name=data_type.name,
        type_category=data_type.category,
        base_type=data_type.base,
        domain_constrained=data_type.constrained,
    )
    return replace(table, columns=tuple(other if c.name == column.name else c for c in table.columns))


def family_afterwards(catalog: Catalog, table: Table, twin: Twin) -> Catalog:
    """The catalog with the table, its partitions and children as contract leaves them."""
    for member in family_of(catalog.table(table.name) or table, catalog):
        column = member.column(twin.column.name)
        if column is not None:
            catalog = catalog.with_table(afterwards(member, replace(twin, column=column)))
    return catalog


def afterwards(table: Table, twin: Twin) -> Table:
    """One table as contract leaves it."""

    def name(column: str) -> str:
        return twin.final if column == twin.column.name else column

    changed = retyped(table, twin.column, twin.type, twin.final)
    return replace(
        changed,
        columns=tuple(
            replace(c, work="replaced", until_contract=twin.name) if c.name == twin.final else c
            for c in changed.columns
        ),
        # By its new name, so that a later change of what stands on the column is told of it.
        constraints=tuple(replace(c, columns=tuple(name(k) for k in c.columns)) for c in changed.constraints),
        indexes=tuple(
            replace(
                i,
                columns=tuple(None if k is None else name(k) for k in i.columns),
                references=frozenset(name(k) for k in i.references),
            )
            for i in changed.indexes
        ),
    )


def same_name(twin: Twin, table: Table) -> tuple[Caution, ...]:
    """What it means that the twin takes the column's name."""
    return (
        Caution(
            code="same_name",
            object=f"{table.name}.{twin.column.name}",
            message="the column keeps its name, so every live version has to work with both types: it is "
            f"{twin.type.spelling} for all of them from one moment to the next at contract. A session that prepared a "
            "query that gives this column gets `cached plan must not change result type`, and a write that it prepared "
            "keeps the old type for its parameter. With `into` each version has a column of its own. The new column "
            "stands last in the table, so an INSERT without column names means other columns once the old one is "
            "dropped: name them.",
        ),
    )
