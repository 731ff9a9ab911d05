"""What stands in the way of a second column beside one, whatever it is for: pure functions over the catalog."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.acks import CDC, REWRITE
from crossfade.operations.tables.table_preflight import is_ours
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Catalog, Column, Table, Trigger

SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
SMALL_TABLE = 8 * 1024 * 1024
"""Bytes; a rewrite of so little is over in milliseconds."""
FIRST_OF_OURS = "~crossfade"


def row_type_refusals(family: tuple[Table, ...]) -> Iterator[Refusal]:
    """Tables whose rows are stored as values of other columns, which nobody converts when a column is replaced."""
    for table in family:
        if table.row_type_columns:
            yield Refusal(
                code="row_type_in_use",
                object=str(table.name),
                message=f"other columns hold values of its row type ({', '.join(table.row_type_columns)}): they would "
                "lose what the replaced column has in them, and get nothing in its place.",
                instead="Let those columns have a type of their own first.",
            )


def no_column(table: Table, name: str) -> Refusal:
    """The table has no such column."""
    return Refusal(
        code="no_such_column",
        object=f"{table.name}.{name}",
        message=f"table {table.name} has no column {name}.",
        instead=near_or_all(name, [c.name for c in table.columns]),
    )


def unproved(table: Table, name: str) -> Iterator[Refusal]:
    """Its NOT NULL is not validated, so that nobody can build upon it."""
    constraint = table.unproved_not_null(name)
    if constraint is not None:
        yield Refusal(
            code="not_validated",
            object=f"{table.name}.{name}",
            message=f"its NOT NULL, {quoted(constraint.name)}, is NOT VALID: rows from before it may have none.",
            instead=f"Fill them, and VALIDATE CONSTRAINT {quoted(constraint.name)}: by `sql`, in a plan of its own.",
        )


def near_or_all(name: str, names: Collection[str]) -> str:
    """Which of these columns was meant, or what there is."""
    near = difflib.get_close_matches(name, names, n=2)
    return f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names)}."


def name_refusals(name: str, table: Table, family: tuple[Table, ...]) -> Iterator[Refusal]:
    """A new column's name has to be free, in partitions and children too."""
    if name in SYSTEM_COLUMNS:
        yield Refusal(
            code="name_taken",
            object=f"{table.name}.{name}",
            message=f"{name} is the name of a system column.",
            instead="Choose another name.",
        )
    for member in family:
        if member.column(name) is not None:
            yield Refusal(
                code="name_taken",
                object=f"{member.name}.{name}",
                message=f"table {member.name} already has a column {name}.",
                instead="Choose another name, or drop that column first.",
            )


def shape_refusals(column: Column, table: Table, family: tuple[Table, ...]) -> Iterator[Refusal]:
    """What a second column beside this one cannot do with: inheritance, generation, partition keys, typed tables."""
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
                message="it is part of the partition key; a row whose value is in another column could not be routed.",
                instead="Do it in a maintenance window, or through a partitioned twin of the table.",
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


def right_refusals(family: tuple[Table, ...]) -> Iterator[Refusal]:
    """The rights that changing these tables takes."""
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


def rewrite_refusals(table: Table, name: str, spelling: str, *, constrained: bool) -> Iterator[Refusal]:
    """Adding a column whose type is a domain that checks something rewrites the table: NULL is checked too."""
    if constrained and table.size_bytes > SMALL_TABLE:
        yield Refusal(
            code="rewrite",
            object=name,
            message=f"its type {spelling} is a domain with constraints: adding a column of it rewrites the table "
            f"({table.size_bytes // 2**20} MB) while reads and writes wait.",
            instead="Do it in a maintenance window.",
            ack=REWRITE,
        )


def own_triggers(family: tuple[Table, ...]) -> Iterator[tuple[Table, Trigger]]:
    """Each trigger of the users once; partitions have clones of their parent's."""
    seen: set[str] = set()
    for member in family:
        for trigger in member.triggers:
            if not (is_ours(trigger) or trigger.parent_inherited or trigger.name in seen):
                seen.add(trigger.name)
                yield member, trigger


def order_refusals(table: Table, trigger: Trigger) -> Iterator[Refusal]:
    """A BEFORE trigger behind ours would change a row that ours have seen."""
    writes = {"insert", "update"} & trigger.events
    if trigger.timing == "before" and trigger.row and writes and trigger.name > FIRST_OF_OURS:
        yield Refusal(
            code="trigger_order",
            object=f"trigger {trigger.name} on {table.name}",
            message="it sorts after crossfade's triggers (BEFORE triggers fire in name order) and could set the two "
            "columns apart.",
            instead=f"Rename it, for example: ALTER TRIGGER {trigger.name} ON {table.name} RENAME TO a_name_before_it.",
        )


def replication_refusals(table: Table, catalog: Catalog) -> Iterator[Refusal]:
    """Who follows the table logically, and would meet a column that is not there."""
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
