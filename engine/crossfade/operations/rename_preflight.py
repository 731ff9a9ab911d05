"""What stands in the way of a rename, and what a person should know before it: pure functions over the catalog.

A refusal names the object and what to do instead. Where the danger is one that a team may have under control, it can be
accepted with `--ack WORD`; the word is the refusal's `ack`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.acks import CDC, DEPENDENTS, REWRITE, TRIGGERS
from crossfade.operations.constants import is_constant
from crossfade.operations.own_names import LEDGER_SCHEMA
from crossfade.operations.step import Caution
from crossfade.operations.table_preflight import family_of, is_ours, other_runs, table_refusals

if TYPE_CHECKING:
    from crossfade.plan.changes import RenameColumn
    from crossfade.postgres.catalog import Catalog, Column, Table, Trigger

SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
SMALL_TABLE = 8 * 1024 * 1024
"""Bytes; a rewrite of so little is over in milliseconds."""
MANY_RELATIONS = 50
"""With so many partitions or children a change of the catalog can be felt."""
FIRST_OF_OURS = "~crossfade"


def check(
    change: RenameColumn, table: Table | None, catalog: Catalog
) -> tuple[tuple[Refusal, ...], tuple[Caution, ...]]:
    """Every reason against this rename, and every caution about it."""
    unusable = tuple(table_refusals(change.table, catalog))
    if unusable or table is None:
        return unusable, ()
    column = table.column(change.from_)
    if column is None:
        return (_no_column(change, table),), ()
    family = family_of(table, catalog)
    refusals = (
        *_name_refusals(change, table, family),
        *_shape_refusals(column, table, family),
        *other_runs(family, [change.from_]),
        *_right_refusals(family),
        *_trigger_refusals(change, family),
        *_dependent_refusals(column, table),
        *_replication_refusals(table, catalog),
    )
    return refusals, tuple(_cautions(column, table, family))


def _no_column(change: RenameColumn, table: Table) -> Refusal:
    names = [c.name for c in table.columns]
    near = difflib.get_close_matches(change.from_, names, n=2)
    return Refusal(
        code="no_such_column",
        object=f"{table.name}.{change.from_}",
        message=f"table {table.name} has no column {change.from_}.",
        instead=f"Did you mean {' or '.join(near)}?" if near else f"It has: {', '.join(names)}.",
    )


def _name_refusals(change: RenameColumn, table: Table, family: tuple[Table, ...]) -> Iterator[Refusal]:
    if change.to in SYSTEM_COLUMNS:
        yield Refusal(
            code="name_taken",
            object=f"{table.name}.{change.to}",
            message=f"{change.to} is the name of a system column.",
            instead="Choose another name.",
        )
    for member in family:
        if member.column(change.to) is not None:
            yield Refusal(
                code="name_taken",
                object=f"{member.name}.{change.to}",
                message=f"table {member.name} already has a column {change.to}.",
                instead="Choose another name, or drop that column first.",
            )


def _shape_refusals(column: Column, table: Table, family: tuple[Table, ...]) -> Iterator[Refusal]:
    name = f"{table.name}.{column.name}"
    if column.inherited_count:
        parents = ", ".join(str(n) for n in (table.partition_parent, *table.inherits) if n is not None)
        yield Refusal(
            code="inherited_column",
            object=name,
            message="the column is inherited; PostgreSQL renames it only together with its parent's.",
            instead=f"Name the parent in the plan: {parents}.",
        )
    if column.generated:
        yield Refusal(
            code="generated_column",
            object=name,
            message="it is a generated column; no app writes it, and a twin could not be filled.",
            instead="Add a second generated column with the same expression, move the readers, and drop the first.",
        )
    for member in family:
        if column.name in member.partition_key_columns:
            yield Refusal(
                code="partition_key",
                object=f"{member.name}.{column.name}",
                message="it is part of the partition key; a row written under the new name could not be routed.",
                instead="Rename it in a maintenance window, or through a partitioned twin of the table.",
            )
        if member.kind == "foreign":
            yield Refusal(
                code="foreign_partition",
                object=str(member.name),
                message="a partition or child is a foreign table, which cannot carry the triggers.",
                instead="Detach it for the time of the change.",
            )
    if table.typed_of:
        yield Refusal(
            code="unsupported_table",
            object=str(table.name),
            message=f"it is a typed table of {table.typed_of}.",
            instead="Rename the type's attribute.",
        )
    if column.domain_constrained and table.size_bytes > SMALL_TABLE:
        yield Refusal(
            code="rewrite",
            object=name,
            message=f"its type {column.type} is a domain with constraints: adding a column of it rewrites the table "
            f"({table.size_bytes // 2**20} MB) while reads and writes wait.",
            instead="Do it in a maintenance window.",
            ack=REWRITE,
        )


def _right_refusals(family: tuple[Table, ...]) -> Iterator[Refusal]:
    for member in family:
        if not member.owned:
            yield Refusal(
                code="not_owner",
                object=str(member.name),
                message=f"this role is not (a member of) its owner {member.owner}.",
                instead=f"Connect as {member.owner}, or run: GRANT {member.owner} TO the role crossfade uses.",
            )
        elif not member.can_create_in_schema and member.indexes:
            yield Refusal(
                code="no_create_right",
                object=member.name.schema,
                message=f"this role may not create indexes in schema {member.name.schema}.",
                instead=f"GRANT CREATE ON SCHEMA {member.name.schema} to it.",
            )


def _names(text: str, identifier: str) -> bool:
    """Whether a text has the identifier in it, by itself or in SQL's quotes."""
    return _mentions(text, identifier) or _mentions(text, identifier.replace('"', '""'))


def _mentions(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(word)}(?![\w$])", text, re.IGNORECASE) is not None


def _trigger_refusals(change: RenameColumn, family: tuple[Table, ...]) -> Iterator[Refusal]:
    seen: set[str] = set()
    for member in family:
        for trigger in member.triggers:
            if is_ours(trigger) or trigger.parent_inherited or trigger.name in seen:
                continue
            seen.add(trigger.name)
            yield from _one_trigger(change, member, trigger)


def _one_trigger(change: RenameColumn, table: Table, trigger: Trigger) -> Iterator[Refusal]:
    name = f"trigger {trigger.name} on {table.name}"
    writes = {"insert", "update"} & trigger.events
    if trigger.timing == "before" and trigger.row and writes and trigger.name > FIRST_OF_OURS:
        yield Refusal(
            code="trigger_order",
            object=name,
            message="it sorts after crossfade's triggers (BEFORE triggers fire in name order) and could set the two "
            "columns apart.",
            instead=f"Rename it, for example: ALTER TRIGGER {trigger.name} ON {table.name} RENAME TO a_name_before_it.",
        )
    if change.from_ in trigger.columns:
        yield Refusal(
            code="trigger_columns",
            object=name,
            message=f"it fires on UPDATE OF {change.from_}, which a write under the new name is not.",
            instead=f"Let it fire on every UPDATE, WHEN (OLD.{change.from_} IS DISTINCT FROM NEW.{change.from_}).",
            ack=TRIGGERS,
        )
    if trigger.timing == "before" and trigger.row and _names(trigger.when or "", change.from_):
        yield Refusal(
            code="trigger_when",
            object=name,
            message=f"its WHEN clause names {change.from_}, which has not its new value yet where a write under the "
            "new name fires it.",
            instead="Let it fire AFTER the write, or on every one.",
            ack=TRIGGERS,
        )
    if _names(trigger.function_body, change.from_):
        yield Refusal(
            code="trigger_function",
            object=name,
            message=f"its function {trigger.function} names {change.from_}: it would not see writes under the new name "
            "before contract, and would fail every write after it.",
            instead="Let it read the row by either name, for example through to_jsonb(NEW).",
            ack=TRIGGERS,
        )


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


def _replication_refusals(table: Table, catalog: Catalog) -> Iterator[Refusal]:
    published = [p.name for p in table.publications if p.columns is None]
    if published or catalog.logical_slots:
        through = [f"publication {p}" for p in published] + [f"slot {s}" for s in catalog.logical_slots]
        yield Refusal(
            code="logical_replication",
            object=str(table.name),
            message=f"it is replicated logically ({', '.join(through)}): a subscriber whose table lacks the new column "
            "stops when the first row arrives.",
            instead="Add the new column on every subscriber first.",
            ack=CDC,
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
        if function.name.schema != LEDGER_SCHEMA and _names(function.body, column.name):
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
