"""What stands in the way of making a table a partition, or of taking it off again: pure functions over the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import right_refusals
from crossfade.operations.step import Caution
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Catalog, Table


def default_partition(parent: Table, catalog: Catalog) -> Table | None:
    """The partition for all other rows."""
    partitions = (catalog.table(name) for name in parent.partitions)
    return next((p for p in partitions if p is not None and p.partition_bound == "DEFAULT"), None)


def not_partitioned(parent: Table) -> Iterator[Refusal]:
    """Only a partitioned table has partitions."""
    if parent.kind != "partitioned":
        yield Refusal(
            code="not_partitioned",
            object=str(parent.name),
            message="it is not partitioned.",
            instead="Name the partitioned table as `table`.",
        )


def attach_refusals(parent: Table, partition: Table) -> Iterator[Refusal]:
    """What PostgreSQL would refuse, or do while everybody waits."""
    yield from not_partitioned(parent)
    yield from right_refusals((parent, partition))
    above = partition.partition_parent
    if above is not None or partition.inherits or partition.children or partition.kind != "table":
        what = f"is a partition of {above} already" if above is not None else "has partitions, parents or children"
        yield Refusal(
            code="unsupported_table",
            object=str(partition.name),
            message=f"it {what}.",
            instead="Attach a plain table; detach it from where it is first.",
        )
    if partition.typed_of or partition.persistence != parent.persistence:
        yield Refusal(
            code="unsupported_table",
            object=str(partition.name),
            message=f"it is {partition.persistence}{', and typed' if partition.typed_of else ''}; {parent.name} is "
            f"{parent.persistence}.",
            instead="Make it the same kind of table.",
        )
    for said in _unlike(parent, partition):
        yield Refusal(
            code="partition_shape",
            object=str(partition.name),
            message=f"{said}; a partition has to be like {parent.name}.",
            instead="Change it first, in a plan of its own.",
        )


def _unlike(parent: Table, partition: Table) -> Iterator[str]:
    for column in parent.columns:
        own = partition.column(column.name)
        if own is None:
            yield f"it has no column {quoted(column.name)}"
        elif own.type != column.type or own.collation != column.collation:
            yield f"its column {quoted(own.name)} is {own.type}, not {column.type}, or has another collation"
        elif column.not_null and not own.not_null:
            yield f"its column {quoted(own.name)} may be NULL"
        elif own.generated != column.generated or own.identity is not None:
            yield f"its column {quoted(own.name)} is generated in another way"
    for column in partition.columns:
        if parent.column(column.name) is None:
            yield f"it has a column {quoted(column.name)} more"
    own_checks = {(c.name, c.definition) for c in partition.constraints if c.kind == "check" and c.validated}
    for check in parent.constraints:
        if check.kind == "check" and not check.no_inherit and (check.name, check.definition) not in own_checks:
            yield f"it has no constraint {quoted(check.name)} {check.definition}"


def detach_refusals(parent: Table, partition: Table, catalog: Catalog) -> Iterator[Refusal]:
    """What stands in the way of DETACH CONCURRENTLY."""
    yield from not_partitioned(parent)
    yield from right_refusals((parent, partition))
    if parent.kind == "partitioned" and partition.name not in parent.partitions:
        yield Refusal(
            code="no_such_partition",
            object=str(partition.name),
            message=f"it is no partition of {parent.name}.",
            instead=f"Its partitions are {', '.join(map(str, parent.partitions))}."
            if parent.partitions
            else "It has none.",
        )
    default = default_partition(parent, catalog)
    if default is not None:
        yield Refusal(
            code="default_partition",
            object=str(default.name),
            message="PostgreSQL detaches nothing concurrently from a table with a default partition.",
            instead=f"If {default.name} is empty, drop it first; else in a maintenance window: "
            f"ALTER TABLE {parent.name} DETACH PARTITION {partition.name}.",
        )


def detach_cautions(parent: Table, partition: Table, catalog: Catalog) -> Iterator[Caution]:
    """Keys to the whole, or to what that is a part of: PostgreSQL detaches no rows that something refers to (23503)."""
    yield Caution(
        code="rows_leave",
        object=str(partition.name),
        message=f"from contract on its rows are no longer seen through {parent.name}, and an INSERT into "
        f"{parent.name} of a row that would belong there fails.",
    )
    whole: Table | None = parent
    while whole is not None:
        for key in whole.incoming_foreign_keys:
            yield Caution(
                code="rows_referred_to",
                object=str(partition.name),
                message=f"contract stops if rows of {key.table} refer to its rows by {quoted(key.name)}; move or "
                "delete them, or drop that foreign key, before.",
            )
        whole = catalog.table(whole.partition_parent) if whole.partition_parent is not None else None
