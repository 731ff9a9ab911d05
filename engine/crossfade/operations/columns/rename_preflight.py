"""What stands in the way of a rename, and what a person should know before it: pure functions over the catalog.

A refusal names the object and what to do instead. Where the danger is one that a team may have under control, it can be
accepted with `--ack WORD`; the word is the refusal's `ack`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.acks import DEPENDENTS
from crossfade.operations.columns.column_preflight import (
    name_refusals,
    no_column,
    order_refusals,
    own_triggers,
    replication_refusals,
    rewrite_refusals,
    right_refusals,
    shape_refusals,
)
from crossfade.operations.rows import trigger_preflight
from crossfade.operations.step import Caution
from crossfade.operations.sync.constants import is_constant
from crossfade.operations.tables.table_preflight import family_of, other_runs, table_refusals
from crossfade.postgres.own_names import LEDGER_SCHEMA

if TYPE_CHECKING:
    from crossfade.plan.changes import RenameColumn
    from crossfade.postgres.catalog import Catalog, Column, Table

MANY_RELATIONS = 50
"""With so many partitions or children a change of the catalog can be felt."""


def check(
    change: RenameColumn, table: Table | None, catalog: Catalog
) -> tuple[tuple[Refusal, ...], tuple[Caution, ...]]:
    """Every reason against this rename, and every caution about it."""
    unusable = tuple(table_refusals(change.table, catalog))
    if unusable or table is None:
        return unusable, ()
    column = table.column(change.from_)
    if column is None:
        return (no_column(table, change.from_),), ()
    family = family_of(table, catalog)
    refusals = (
        *name_refusals(change.to, table, family),
        *shape_refusals(column, table, family),
        *rewrite_refusals(table, f"{table.name}.{column.name}", column.type, constrained=column.domain_constrained),
        *other_runs(family, [change.from_]),
        *right_refusals(family),
        *_trigger_refusals(change, family),
        *_dependent_refusals(column, table),
        *replication_refusals(table, catalog),
    )
    return refusals, tuple(_cautions(column, table, family))


def _trigger_refusals(change: RenameColumn, family: tuple[Table, ...]) -> Iterator[Refusal]:
    for member, trigger in own_triggers(family):
        yield from order_refusals(member, trigger)
    yield from trigger_preflight.renamed(change.from_, family)


def _dependent_refusals(column: Column, table: Table) -> Iterator[Refusal]:
    for dependent in table.dependents_on(column.name):
        if dependent.kind == "trigger":
            continue  # judged by itself; its clauses follow the column
        yield Refusal(
            code="dependent",
            object=f"{dependent.kind} {dependent.name}",
            message=f"it depends on {table.name}.{column.name}.",
            instead="Drop it or change it first. Left alone it follows the column, as with a plain RENAME COLUMN; "
            "what it calls the column for its own readers stays.",
            ack=DEPENDENTS,
        )


def _cautions(column: Column, table: Table, family: tuple[Table, ...]) -> Iterator[Caution]:
    if column.default is not None and not is_constant(column.default.expression):
        yield Caution(
            code="volatile_default",
            object=f"{table.name}.{column.name}",
            message="its default is not a constant: an INSERT that leaves both columns out cannot be told from an old "
            "writer's. "
            "Inserts are therefore not counted as legacy writes, only updates are; rely on the app versions.",
        )
    for function in table.text_functions:
        if function.name.schema != LEDGER_SCHEMA and trigger_preflight.names(function.body, column.name):
            yield Caution(
                code="function_text",
                object=f"function {function.name}",
                message=f"its text names {table.name.name} and {column.name}; PostgreSQL does not track that. It fails "
                "after contract unless it is replaced before.",
            )
    if len(family) > MANY_RELATIONS:
        yield Caution(
            code="many_relations",
            object=str(table.name),
            message=f"expand locks {len(family)} relations in one transaction; reads and writes wait for as long as it "
            "takes to add the column and its triggers to all of them, about 0.2 ms for each.",
        )
    if any(i.unique for i in table.indexes_using(column.name)):
        yield Caution(
            code="two_arbiters",
            object=f"{table.name}.{column.name}",
            message="while both names are served, two sessions that upsert the same new key at the same instant by the "
            "new name may get a unique violation instead of a conflict (ON CONFLICT waits on one index only).",
        )
