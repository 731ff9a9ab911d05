"""`copy_rows`: rows are read in batches and inserted into another table, every row that is there when it begins, once.

A row that is there already, by any unique key, is an error, is passed over, or gets the new values, as the plan says.
What is written to the first table afterwards is not copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.rows import data_preflight, rule_preflight
from crossfade.operations.rows.data_statement import pending
from crossfade.operations.step import Caution, Compiled, Copy, DataChange
from crossfade.operations.tables import table_preflight
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import CopyRows
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: CopyRows, place: Place, catalog: Catalog) -> Compiled:
    """The rows of one change against a catalog; refusals instead where it cannot be done."""
    source = catalog.resolve(change.from_.schema, change.from_.name)
    into = catalog.resolve(change.into.schema, change.into.name)
    unusable = tuple(r for name in change.tables for r in table_preflight.table_refusals(name, catalog))
    if source is None or into is None or unusable:
        return Compiled(refusals=tuple(dict.fromkeys(unusable)), catalog=catalog)
    found = (*_about_source(change, source, catalog), *_about_target(change, source, into, catalog))
    refusals = tuple(f for f in found if isinstance(f, Refusal))
    return Compiled(
        data=() if any(r.ack is None for r in refusals) else (_rows(change, place, source, into),),
        refusals=refusals,
        cautions=tuple(f for f in found if isinstance(f, Caution)),
        catalog=catalog,
    )


def _rows(change: CopyRows, place: Place, source: Table, into: Table) -> DataChange:
    return DataChange(
        id=place.id("rows"),
        schema=source.name.schema,
        table=source.name.name,
        pending=pending(change.where),
        write=Copy(
            into=render(sql.Identifier(into.name.schema, into.name.name)),
            columns=tuple(render(sql.Identifier(column)) for column in change.columns),
            values=tuple(value.sql for value in change.columns.values()),
            on_conflict=render(_on_conflict(change, into)),
        ),
    )


def _on_conflict(change: CopyRows, into: Table) -> sql.Composable:
    if change.on_conflict == "error":
        return sql.SQL("")
    if change.on_conflict == "skip":
        return sql.SQL("ON CONFLICT DO NOTHING")
    key = _primary_key(into)
    others = (sql.Identifier(column) for column in change.columns if column not in key)
    return sql.SQL("ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.SQL(", ").join(sql.Identifier(column) for column in key),
        sql.SQL(", ").join(sql.SQL("{} = excluded.{}").format(column, column) for column in others),
    )


def _primary_key(table: Table) -> tuple[str, ...]:
    """The columns of a primary key that an ON CONFLICT can go by; none where there is none."""
    return next((c.columns for c in table.constraints if c.kind == "primary" and not c.deferrable), ())


def _about_source(change: CopyRows, source: Table, catalog: Catalog) -> Iterator[Refusal]:
    family = table_preflight.family_of(source, catalog)
    yield from data_preflight.unknown_columns(source, data_preflight.columns_of(change.expressions))
    yield from data_preflight.foreign_partitions(family)
    for member in data_preflight.without_key(family):
        yield Refusal(
            code="no_key",
            object=str(member.name),
            message="it has no primary key, and no unique key of NOT NULL columns: a row that is updated meanwhile "
            "could be copied twice, or never.",
            instead="Give it a primary key.",
        )


def _about_target(change: CopyRows, source: Table, into: Table, catalog: Catalog) -> Iterator[Refusal | Caution]:
    family = table_preflight.family_of(into, catalog)
    sources = table_preflight.family_of(source, catalog)
    if {member.name for member in family} & {member.name for member in sources}:
        yield Refusal(
            code="same_table",
            object=str(into.name),
            message=f"the rows of {source.name} would be copied into itself.",
            instead="Name another table.",
        )
        return
    yield from data_preflight.unknown_columns(into, change.columns)
    yield from data_preflight.unwritable(into, change.columns)
    yield from table_preflight.other_runs(family, change.columns)
    yield from data_preflight.without_a_value(into, change.columns)
    if change.on_conflict == "update":
        yield from _about_conflicts(change, into)
        yield from data_preflight.firing(family, "update", change.columns)
    yield from data_preflight.firing(family, "insert")
    if change.on_conflict == "error":
        yield from rule_preflight.rules_of_a_write([into], "insert")
    else:
        yield from rule_preflight.rules_in_the_way([into], ["insert", "update"], "do ON CONFLICT on")


def _about_conflicts(change: CopyRows, into: Table) -> Iterator[Refusal]:
    key = _primary_key(into)
    missing = [column for column in key if column not in change.columns]
    if not key:
        yield Refusal(
            code="conflict_key",
            object=str(into.name),
            message="it has no primary key (or a deferrable one), by which `on_conflict: update` finds the row.",
            instead="Give it one, or write `on_conflict: skip`.",
        )
    elif missing:
        yield Refusal(
            code="conflict_key",
            object=str(into.name),
            message="`on_conflict: update` finds the row by its primary key, and the change gives no "
            f"{', '.join(quoted(column) for column in missing)}.",
            instead="Give every column of the primary key a value.",
        )
    elif len(key) == len(change.columns):
        yield Refusal(
            code="conflict_key",
            object=str(into.name),
            message="`on_conflict: update` has nothing to set: the change gives the primary key and no other column.",
            instead="Write `on_conflict: skip`.",
        )
