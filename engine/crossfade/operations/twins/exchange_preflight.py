"""What stands in the way of replacing a column by another, and what a person should know before it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import (
    name_refusals,
    no_column,
    order_refusals,
    own_triggers,
    replication_refusals,
    rewrite_refusals,
    right_refusals,
    row_type_refusals,
    shape_refusals,
)
from crossfade.operations.rows.rule_preflight import rules_of_a_write
from crossfade.operations.step import Caution
from crossfade.operations.sync import constants
from crossfade.operations.tables.table_preflight import family_of, other_runs, table_refusals
from crossfade.operations.twins import not_null_back
from crossfade.operations.twins.carry import policies, publications, triggers
from crossfade.operations.views import recreate, recreate_preflight
from crossfade.operations.views.recreate import Around
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.twins.exchange import Exchange, Twin
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Catalog, Column, Table

CARRIED = frozenset(
    {
        "foreign key",
        "function",
        "generated column",
        "materialized view",
        "policy",
        "publication",
        "statistics",
        "trigger",
        "view",
    }
)
"""Kinds of dependents that travel, or are judged where they do."""
ALTERED = CARRIED - {"function", "generated column"}
"""Those that go and come back, or stay, where the column is altered in place."""


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
        *(r for twin in exchange.twins for r in dependents(twin.column.name, family, CARRIED)),
        *(r for twin in exchange.twins for r in _references(exchange, twin)),
        *(r for member in family[1:] for r in _own_constraints(exchange, member)),
        *(r for twin in exchange.twins for member in family[1:] for r in _own_column(twin, member, table)),
        *unfinished_indexes(family, exchange.columns),
        *_changed_before(exchange),
        *replication_refusals(table, catalog),
        *row_type_refusals(family),
    )
    rules = tuple(rules_of_a_write(catalog.leaves(table), "update"))
    return (
        (*refusals, *(r for r in rules if isinstance(r, Refusal))),
        tuple(c for c in rules if not isinstance(c, Refusal)),
    )


def _about_column(twin: Twin, table: Table, family: tuple[Table, ...]) -> Iterator[Refusal]:
    yield from name_refusals(twin.name, table, family)
    yield from shape_refusals(twin.column, table, family)
    yield from rewrite_refusals(
        table, f"{table.name}.{twin.column.name}", twin.type.spelling, constrained=twin.type.constrained
    )


def dependents(column: str, family: tuple[Table, ...], carried: frozenset[str]) -> Iterator[Refusal]:
    """What depends on the column here or below, and is of none of the kinds that travel; each once."""
    found = {(d.kind, d.name): table for table in reversed(family) for d in table.dependents_on(column)}
    for (kind, name), table in found.items():
        if kind not in carried:
            yield Refusal(
                code="dependent",
                object=f"{kind} {name}",
                message=f"it depends on {table.name}.{column}, and cannot be carried over to another column.",
                instead="Drop it first, and make it anew after contract.",
            )


def _references(exchange: Exchange, twin: Twin) -> Iterator[Refusal]:
    """Foreign keys to the column that are not exchanged together with it."""
    table = exchange.table
    for incoming in table.incoming_foreign_keys:
        if twin.column.name in incoming.referenced_columns and not exchange.with_references:
            yield Refusal(
                code="referenced_key",
                object=f"{table.name}.{twin.column.name}",
                message=f"{incoming.table} references it ({', '.join(incoming.columns)}, constraint {incoming.name}).",
                instead="Add `follow_references: true` to change both together; it takes `to` and nothing else.",
            )


def _own_constraints(exchange: Exchange, member: Table) -> Iterator[Refusal]:
    """What a partition or child has of its own is not on the table that is looked at."""
    for constraint in member.constraints:
        of_its_own = constraint.kind == "foreign" and not constraint.inherited
        if of_its_own and exchange.columns & {*constraint.columns}:
            yield Refusal(
                code="partition_constraint",
                object=f"constraint {constraint.name} on {member.name}",
                message=f"it is over a column of {exchange.table.name} that is replaced, and belongs to this partition "
                "or child alone; it is not carried over.",
                instead="Drop it first, and add it again afterwards.",
            )


def own_not_null(family: tuple[Table, ...], column: Column) -> Iterator[Refusal]:
    """The NOT NULL of partitions and children of the first of these tables, where it is not that table's."""
    parent, *members = family
    for member in members:
        own = member.column(column.name)
        if own is not None:
            yield from _own_not_null(member, own, column, parent)


def _own_not_null(member: Table, column: Column, of_parent: Column, parent: Table) -> Iterator[Refusal]:
    unproved = parent.unproved_not_null(of_parent.name)
    if unproved is not None and member.never_null(column.name):
        yield Refusal(
            code="partition_constraint",
            object=f"{member.name}.{column.name}",
            message=f"its NOT NULL holds for every row, and {quoted(unproved.name)} of {parent.name} is NOT VALID; it "
            "is not carried over.",
            instead=f"VALIDATE CONSTRAINT {quoted(unproved.name)} of {parent.name}: by `sql`, in a plan of its own.",
        )
    if not_null_back.is_alone(parent, of_parent):
        yield Refusal(
            code="partition_constraint",
            object=f"{parent.name}.{of_parent.name}",
            message=f"its NOT NULL is NO INHERIT, and {member.name} has the column as well; it is not carried over.",
            instead="Drop it first, and add it again afterwards.",
        )
    elif column.not_null != of_parent.not_null:
        yield Refusal(
            code="partition_constraint",
            object=f"{member.name}.{column.name}",
            message="its NOT NULL is not its parent's; it is not carried over.",
            instead=f"ALTER TABLE {member.name} ALTER COLUMN … DROP NOT NULL first, or set it for the parent as well.",
        )


def _own_column(twin: Twin, member: Table, table: Table) -> Iterator[Refusal]:
    """A partition's or child's column that is more than its parent's."""
    column = member.column(twin.column.name)
    if column is None:
        return
    merged = column.is_local and member.partition_parent is None
    if merged or column.inherited_count > 1:
        yield Refusal(
            code="inherited_column",
            object=f"{member.name}.{column.name}",
            message="it is inherited and was declared here as well, or comes from several parents; another column "
            "would not be.",
            instead="Change it in a maintenance window.",
        )
    yield from _own_not_null(member, column, twin.column, table)
    if column.not_null == twin.column.not_null and column.not_null_constraint != twin.column.not_null_constraint:
        yield Refusal(
            code="partition_constraint",
            object=f"{member.name}.{column.name}",
            message=f"its NOT NULL is called {column.not_null_constraint} and its parent's "
            f"{twin.column.not_null_constraint}: PostgreSQL can rename neither while it is a partition.",
            instead=f"Detach it, give it the parent's name (ALTER TABLE {member.name} RENAME CONSTRAINT … TO …), and "
            "attach it again: detach_partition, attach_partition.",
        )


def unfinished_indexes(family: Iterable[Table], columns: frozenset[str]) -> Iterator[Refusal]:
    """Indexes over these columns that are not valid: of what is half built no copy can be made."""
    for member in family:
        for index in member.indexes:
            if not index.valid and index.references & columns:
                yield Refusal(
                    code="invalid_index",
                    object=f"index {index.name} on {member.name}",
                    message="it is not valid: a build was cut off or is still under way, or one on a partitioned table "
                    "still lacks an index of a partition. It would go, and nothing would take its place.",
                    instead="Finish it first (reindex; attach what it lacks), or drop it.",
                )


def _changed_before(exchange: Exchange) -> Iterator[Refusal]:
    """What is also over a column that an earlier change of the plan exchanges, and so would be carried over twice."""
    table = exchange.table
    pending = {c.name for c in table.columns if c.until_contract is not None}
    there = {c.name for c in table.columns}
    for what, columns, copied in _things(table):
        if exchange.columns & columns:
            # Over a copy there is none yet; and what was read of a column that has another name now is out of date.
            others = (columns - there) | (columns & pending if copied else frozenset())
            for other in sorted(others - exchange.columns):
                yield Refusal(
                    code="in_another_run",
                    object=what,
                    message=f"it is over {', '.join(sorted(exchange.columns))} and over {other} of {table.name}, which "
                    "an earlier change of this plan replaces.",
                    instead="Make the second change in a plan of its own, once this run is over.",
                )


def _things(table: Table) -> Iterator[tuple[str, frozenset[str], bool]]:
    """What is over columns of the table: its name, the columns, and whether a copy of it is made before contract."""
    yield from ((f"constraint {c.name} on {table.name}", frozenset(c.columns), True) for c in table.constraints)
    yield from ((f"index {i.name}", i.references, True) for i in table.indexes if i.constraint is None)
    yield from ((f"statistics {s.name}", frozenset(s.columns), True) for s in table.extended_statistics)
    yield from ((f"{d.kind} {d.name}", frozenset(d.columns), False) for d in table.dependents)


def in_place(table: Table, column: Column, catalog: Catalog) -> tuple[tuple[Refusal, ...], Around]:
    """What stands in the way of altering the column's type where it is, and what goes and comes back for it."""
    family = family_of(table, catalog)
    names = frozenset({column.name})
    views = recreate.over(catalog, table, names)
    rules, sent = policies.over(family, names), publications.over(family, names)
    refusals = (
        *_inherited(column, table),
        *other_runs(family, [column.name]),
        *right_refusals(family),
        *dependents(column.name, family, ALTERED),
        *recreate_preflight.refusals(views),
        *policies.refusals(rules),
        *publications.refusals(sent),
    )
    moves = (
        recreate.around(views),
        policies.around(rules),
        triggers.around(triggers.over(family, names), family),
        publications.around(sent),
    )
    return refusals, Around(
        before=tuple(s for move in moves for s in move.before),
        after=tuple(s for move in moves for s in move.after),
    )


def unseen_inserts(table: Table, column: Column) -> Iterator[Caution]:
    """An old column whose values cannot be told from those that an INSERT leaves out."""
    if constants.generates(column):
        yield Caution(
            code="volatile_default",
            object=f"{table.name}.{column.name}",
            message="its default is not a constant: an INSERT that leaves the old and the new columns out cannot be "
            "told from an old writer's. Inserts are therefore not counted as legacy writes, only updates are; rely on "
            "the app versions.",
        )


def _inherited(column: Column, table: Table) -> Iterator[Refusal]:
    yield from (r for r in shape_refusals(column, table, ()) if r.code in ("inherited_column", "unsupported_table"))
