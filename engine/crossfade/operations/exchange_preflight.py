"""What stands in the way of replacing a column by another, and what a person should know before it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations import recreate, recreate_preflight
from crossfade.operations.column_preflight import (
    name_refusals,
    no_column,
    order_refusals,
    own_triggers,
    replication_refusals,
    rewrite_refusals,
    right_refusals,
    shape_refusals,
)
from crossfade.operations.recreate import Around
from crossfade.operations.table_preflight import family_of, other_runs, table_refusals

if TYPE_CHECKING:
    from crossfade.operations.exchange import Exchange, Twin
    from crossfade.operations.step import Caution
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Catalog, Column, Table

CARRIED = frozenset({"foreign key"})
"""Kinds of dependents that travel, or are judged where they do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A column that can be worked on."""

    table: Table
    column: Column


def find(name: TableName, column: str, catalog: Catalog) -> Target | tuple[Refusal, ...]:
    """The table and its column, or why there is none to work on."""
    unusable = tuple(table_refusals(name, catalog))
    table = catalog.resolve(name.schema, name.name)
    if unusable or table is None:
        return unusable
    found = table.column(column)
    return (no_column(table, column),) if found is None else Target(table, found)


def check(exchange: Exchange) -> tuple[tuple[Refusal, ...], tuple[Caution, ...]]:
    """Every reason against this exchange, and every caution about it."""
    table, catalog = exchange.table, exchange.catalog
    family = family_of(table, catalog)
    refusals = (
        *(r for twin in exchange.twins for r in _about_column(twin, table, family)),
        *other_runs(family, [*exchange.columns]),
        *right_refusals(family),
        *(r for member, trigger in own_triggers(family) for r in order_refusals(member, trigger)),
        *(r for twin in exchange.twins for r in _dependents(twin.column, table)),
        *replication_refusals(table, catalog),
    )
    return refusals, ()


def _about_column(twin: Twin, table: Table, family: tuple[Table, ...]) -> Iterator[Refusal]:
    yield from name_refusals(twin.name, table, family)
    yield from shape_refusals(twin.column, table, family)
    yield from rewrite_refusals(
        table, f"{table.name}.{twin.column.name}", twin.type.spelling, constrained=twin.type.constrained
    )


def _dependents(column: Column, table: Table) -> Iterator[Refusal]:
    for dependent in table.dependents_on(column.name):
        if dependent.kind not in CARRIED:
            yield Refusal(
                code="dependent",
                object=f"{dependent.kind} {dependent.name}",
                message=f"it depends on {table.name}.{column.name}, and cannot be carried over to another column.",
                instead="Drop it first, and make it anew after contract.",
            )


def in_place(table: Table, column: Column, catalog: Catalog) -> tuple[tuple[Refusal, ...], Around]:
    """What stands in the way of altering the column's type where it is, and the views that go and come back for it."""
    family = family_of(table, catalog)
    views = recreate.over(catalog, table, [column.name])
    refusals = (
        *_inherited(column, table),
        *other_runs(family, [column.name]),
        *right_refusals(family),
        *recreate_preflight.refusals(views),
    )
    return refusals, recreate.around(views)


def _inherited(column: Column, table: Table) -> Iterator[Refusal]:
    yield from (r for r in shape_refusals(column, table, ()) if r.code in ("inherited_column", "unsupported_table"))
