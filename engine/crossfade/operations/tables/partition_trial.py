"""The bounds of a coming partition, tried beside those that there are on empty tables with the parent's key. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.trial import Trial
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Catalog, Column, Table
    from crossfade.postgres.names import QualifiedName

_AT_ONCE = 50
"""So many partitions have a parent of their own."""
_OVERLAP_OR_FORM, _COLUMN, _FUNCTION, _CAST = {"42P16", "42P17"}, {"42703", "42P10"}, {"42883"}, {"42804", "42846"}
_VALUE = {"22003", "22007", "22008", "22023", "22P02"}
ABOUT_BOUNDS = frozenset(_OVERLAP_OR_FORM | _COLUMN | _FUNCTION | _CAST | _VALUE)
"""SQLSTATEs that bounds have; any other may come of the number of partitions."""


def bounds_trial(parent: Table, partition: Table, bounds: str, catalog: Catalog) -> Trial:
    """The one that is to come, after those that the parent has until contract."""
    known = {table.name: table.partition_bound for table in catalog.tables}
    staying = [(name, bound) for name in parent.partitions if (bound := known.get(name)) is not None]
    there = [*staying, *parent.leaving]
    made: list[sql.Composable] = []
    called: list[tuple[str, str]] = []
    for first in range(0, max(1, len(there)), _AT_ONCE):
        # Each partition makes the server look at all others of its parent again.
        whole = _called(len(called))
        called.append((whole, str(parent.name)))
        made.append(_parent(parent, whole))
        for name, text in (*there[first : first + _AT_ONCE], (partition.name, bounds)):
            part = _called(len(called))
            called.append((part, str(name)))
            made.append(_partition(part, whole, text))
    return Trial(
        where=f"bounds of attach_partition on {parent.name}",
        shown=bounds,
        columns=(("one", "pg_catalog.int4"),),
        statement=render(sql.SQL("; ").join(made)),
        called=tuple(called),
        instead=_instead(parent, staying),
        about=ABOUT_BOUNDS,
    )


def _instead(parent: Table, staying: list[tuple[QualifiedName, str]]) -> str:
    has = "; ".join(f"{name} {text}" for name, text in staying[-3:])
    until = "; ".join(f"{name} {text}" for name, text in parent.leaving[-3:])
    said = f"{parent.name} is partitioned by {parent.partition_key}. It has {has or 'no partition'}."
    if not until:
        return said
    return f"{said} Until contract it also has {until}: attach what overlaps that in a plan after this one."


def _parent(parent: Table, name: str) -> sql.Composed:
    columns = [_column(c) for c in parent.columns if c.name in parent.partition_key_columns]
    return sql.SQL("CREATE TEMPORARY TABLE {} ({}) PARTITION BY {}").format(
        sql.Identifier("pg_temp", name), sql.SQL(", ").join(columns), sql.SQL(parent.partition_key or "")
    )


def _partition(name: str, parent: str, bounds: str) -> sql.Composed:
    return sql.SQL("CREATE TEMPORARY TABLE {} PARTITION OF {} {}").format(
        sql.Identifier("pg_temp", name), sql.Identifier("pg_temp", parent), sql.SQL(bounds)
    )


def _column(column: Column) -> sql.Composed:
    text = sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
    if column.collation is None:
        return text
    return sql.SQL("{} COLLATE {}").format(text, sql.Identifier(column.collation.schema, column.collation.name))


def _called(number: int) -> str:
    """None is the beginning of another."""
    return f"crossfade_trial_of_bounds_{number:06}"
