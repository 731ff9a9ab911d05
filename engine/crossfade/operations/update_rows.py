"""`update_rows`: rows are changed where they are, in batches; every row that is there when it begins, once.

There is nothing to expand or contract. The rows are walked by a key that the change leaves alone, so that a changed row
is not met again; where there is no such key, its `where` has to tell a row that is done from one that is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.rows import data_preflight, rule_preflight
from crossfade.operations.rows.data_statement import pending
from crossfade.operations.step import Caution, Compiled, DataChange, Update
from crossfade.operations.tables import table_preflight
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import UpdateRows
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: UpdateRows, place: Place, catalog: Catalog) -> Compiled:
    """The rows of one change against a catalog; refusals instead where it cannot be done."""
    table = catalog.resolve(change.table.schema, change.table.name)
    unusable = tuple(table_preflight.table_refusals(change.table, catalog))
    if table is None or unusable:
        return Compiled(refusals=unusable, catalog=catalog)
    family = table_preflight.family_of(table, catalog)
    found = (*_about_columns(change, table), *_about_rows(change, family, catalog))
    refusals = tuple(f for f in found if isinstance(f, Refusal))
    return Compiled(
        data=() if any(r.ack is None for r in refusals) else (_rows(change, place, table),),
        refusals=refusals,
        cautions=tuple(f for f in found if isinstance(f, Caution)),
        catalog=catalog,
    )


def _rows(change: UpdateRows, place: Place, table: Table) -> DataChange:
    assignments = (
        sql.SQL("{} = {}").format(sql.Identifier(column), sql.SQL(value.sql)) for column, value in change.set.items()
    )
    return DataChange(
        id=place.id("rows"),
        schema=table.name.schema,
        table=table.name.name,
        pending=pending(change.where),
        write=Update(assignment=render(sql.SQL(", ").join(assignments))),
        touched=tuple(change.set),
    )


def _about_columns(change: UpdateRows, table: Table) -> Iterator[Refusal]:
    yield from data_preflight.unknown_columns(table, (*change.set, *data_preflight.columns_of(change.expressions)))
    yield from data_preflight.unwritable(table, change.set)


def _about_rows(change: UpdateRows, family: tuple[Table, ...], catalog: Catalog) -> Iterator[Refusal | Caution]:
    yield from _keys(change, family, catalog)
    yield from data_preflight.foreign_partitions(family)
    yield from table_preflight.other_runs(family, change.set)
    yield from data_preflight.foreign_keys(family, "UPDATE", change.set)
    by_place = data_preflight.without_key(family, change.set)
    by_key = [member for member in family if member.kind == "table" and member not in by_place]
    yield from rule_preflight.rules_of_a_write(by_key, "update")
    yield from rule_preflight.rules_in_the_way(by_place, ["update"], "tell by which place rows were changed in")


def _keys(change: UpdateRows, family: tuple[Table, ...], catalog: Catalog) -> Iterator[Refusal | Caution]:
    primary = {c: m for m in reversed(family) for i in m.indexes if i.primary for c in i.columns[: i.key_count]}
    of_keys = (
        *(_of_the_key(primary[column], column) for column in change.set if column in primary),
        *data_preflight.routing(
            family[0], (c for c in change.set if c not in primary), catalog, data_preflight.SET_BY_HAND
        ),
    )
    yield from of_keys or _without_a_key(change, family)


def _of_the_key(table: Table, column: str) -> Refusal:
    return Refusal(
        code="primary_key",
        object=f"{table.name}.{quoted(column)}",
        message="it is part of the primary key, by which the rows are walked: a row that got a later key would be met "
        "twice.",
        instead=data_preflight.SET_BY_HAND,
    )


def _without_a_key(change: UpdateRows, family: tuple[Table, ...]) -> Iterator[Refusal | Caution]:
    for member in data_preflight.without_key(family, change.set):
        what = "it has no primary key, and no unique key of NOT NULL columns that the change leaves alone"
        if change.where is None or not change.where.columns:
            yield Refusal(
                code="no_key",
                object=str(member.name),
                message=f"{what}: nothing tells a row that is done from one that is not.",
                instead="Give it a primary key, or write a `where` that is false for a row once it is changed.",
            )
        else:
            yield Caution(
                code="no_key",
                object=str(member.name),
                message=f"{what}. `where` has to be false for a row once it is changed; that is proven row by row "
                "while it runs, which stops at one that it still holds for.",
            )
