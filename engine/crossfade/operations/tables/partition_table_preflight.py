"""What stands in the way of a partitioned twin that takes a table's place, and what to know before. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.errors import Refusal
from crossfade.operations.acks import CDC
from crossfade.operations.columns.column_preflight import no_column, right_refusals
from crossfade.operations.constraints.foreign_key_copy import FIRST_WITH_UNVALIDATED_ON_PARTITIONED
from crossfade.operations.step import Caution
from crossfade.operations.tables import table_names
from crossfade.operations.tables.ownership import owner_refusals
from crossfade.operations.tables.table_preflight import is_ours
from crossfade.operations.views import recreate_preflight
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.plan.changes import PartitionTable
    from crossfade.postgres.catalog import Catalog, Column, Constraint, Table
    from crossfade.postgres.catalog_views import View

_TRAVELS = frozenset(
    {"foreign key", "generated column", "policy", "publication", "rule", "statistics", "trigger", "view"}
)
"""Kinds of dependents that travel, or are judged by themselves."""


def refusals(change: PartitionTable, table: Table, views: tuple[View, ...], catalog: Catalog) -> Iterator[Refusal]:
    """Every reason why it cannot be done."""
    yield from _shape(table)
    yield from right_refusals((table,))
    key = tuple(_key(change, table))
    yield from key or _unique(change, table)
    yield from _constraints(table)
    yield from _hanging_on_it(table)
    yield from _replicated(table, catalog)
    yield from _references(table, catalog)
    yield from recreate_preflight.refusals(views)
    yield from _materialized(views)
    for name in change.partitions:
        if QualifiedName(table.name.schema, name) in catalog.relation_names:
            yield table_names.name_taken(QualifiedName(table.name.schema, name))


def _shape(table: Table) -> Iterator[Refusal]:
    parents = (*((table.partition_parent,) if table.partition_parent else ()), *table.inherits)
    reasons = {
        "it is partitioned already.": table.kind == "partitioned",
        f"it belongs to {', '.join(map(str, parents))}.": bool(parents),
        f"other tables inherit from it: {', '.join(map(str, table.children))}.": bool(table.children),
        f"it is a typed table of {table.typed_of}.": table.typed_of is not None,
        "it is unlogged, which a partitioned table cannot be.": table.persistence == "unlogged",
        f"its rows are kept by the access method {table.access_method}.": table.access_method not in (None, "heap"),
    }
    for message, holds in reasons.items():
        if holds:
            yield Refusal(
                code="unsupported_table",
                object=str(table.name),
                message=message,
                instead="Name a plain table; attach_partition and detach_partition change partitions.",
            )
    renamed = [c.name for c in table.columns if c.until_contract is not None]
    if table.until_contract is not None or renamed or any(is_ours(t) for t in table.triggers):
        yield Refusal(
            code="in_another_run",
            object=str(table.name),
            message="a run, or an earlier change of this plan, is changing it already.",
            instead="Let that end first, and partition the table in a plan of its own.",
        )


def _key(change: PartitionTable, table: Table) -> Iterator[Refusal]:
    for name in change.key:
        column = table.column(name)
        if column is None:
            yield no_column(table, name)
        elif column.generated is not None:
            yield Refusal(
                code="generated_column",
                object=f"{table.name}.{quoted(name)}",
                message="PostgreSQL takes no generated column for a partition key.",
                instead="Partition by the columns that it is computed from.",
            )


def _unique(change: PartitionTable, table: Table) -> Iterator[Refusal]:
    primary = next((i for i in table.indexes if i.primary), None)
    if primary is None:
        yield Refusal(
            code="no_primary_key",
            object=str(table.name),
            message="it has no primary key, by which a row and its copy could be told to be the same.",
            instead="Give it one first (add_primary_key), which has the partition key in it.",
        )
    for index in table.indexes:
        keys = index.columns[: index.key_count]
        missing = [name for name in change.key if name not in keys]
        if index.unique and (missing or None in keys):
            yield Refusal(
                code="partition_key_not_unique",
                object=f"{'constraint' if index.constraint else 'index'} {index.name.name} on {table.name}",
                message="PostgreSQL keeps a partitioned table's rows unique only by keys that have the whole partition "
                f"key in them, and no expression; this one has not {_listed(missing) or 'columns alone'}.",
                instead=f"Make it one over {_listed([*(k for k in keys if k is not None), *missing])}, or drop it, "
                "in a plan before this one.",
            )
    for name in primary.columns[: primary.key_count] if primary is not None else ():
        key = table.column(name) if name is not None else None
        if key is not None and not _compares_by_the_servers_own(key):
            yield Refusal(
                code="key_type",
                object=f"{table.name}.{quoted(key.name)}",
                message=f"values of {key.type} are compared by an operator that is not the server's own, which a "
                "trigger could find another one for.",
                instead="Partition the table in a maintenance window.",
            )


def _compares_by_the_servers_own(column: Column) -> bool:
    return column.base_type.schema == "pg_catalog" or column.type_category == "E"


def _constraints(table: Table) -> Iterator[Refusal]:
    for constraint in table.constraints:
        name = f"constraint {constraint.name} on {table.name}"
        reason = _does_not_travel(constraint, table)
        if reason is not None:
            yield Refusal(
                code="unsupported_constraint",
                object=name,
                message=reason,
                instead="Drop it, or make it another, in a plan before this one.",
            )
        if not constraint.validated or not constraint.enforced:
            yield Refusal(
                code="not_validated",
                object=name,
                message="it is not known to hold for every row, and the twin's would refuse those for which it does "
                "not.",
                instead="Repair these rows and VALIDATE it first, or drop it.",
            )
        if constraint.kind == "foreign" and constraint.referenced == table.name:
            yield Refusal(
                code="self_reference",
                object=name,
                message="the table references itself, and rows are copied in another order than they were inserted.",
                instead="Drop it first, and add it again afterwards (add_foreign_key).",
            )


def _does_not_travel(constraint: Constraint, table: Table) -> str | None:
    index = table.index(constraint.index) if constraint.index is not None else None
    if constraint.kind == "exclusion" or (index is not None and index.method != "btree"):
        return "an exclusion constraint does not travel to a partitioned table."
    if constraint.deferrable and index is not None:
        return "it is deferrable: until contract SET CONSTRAINTS would reach the table's and not the twin's."
    if constraint.no_inherit and constraint.kind in ("check", "not_null"):
        return "it is NO INHERIT, which a partitioned table's cannot be."
    return None


def _hanging_on_it(table: Table) -> Iterator[Refusal]:
    if table.row_security or table.policies:
        yield Refusal(
            code="row_security",
            object=str(table.name),
            message=f"its row security ({', '.join(table.policies) or 'no policy'}) does not travel yet.",
            instead="Partition the table in a maintenance window.",
        )
    for rule in table.rules:
        yield Refusal(
            code="rule",
            object=f"rule {rule.name} on {table.name}",
            message="a rule of yours stays on the table that steps aside.",
            instead="Drop it, or make a trigger of it.",
        )
    for dependent in dict.fromkeys((d.kind, d.name) for d in table.dependents if d.kind not in _TRAVELS):
        yield Refusal(
            code="table_dependent",
            object=" ".join(dependent),
            message=f"it would go on with the table that steps aside, whatever takes the name {table.name}.",
            instead="Drop it first, and make it again afterwards.",
        )
    for trigger in table.triggers:
        if trigger.row and _has_transition_tables(trigger.definition):
            yield Refusal(
                code="trigger_form",
                object=f"trigger {trigger.name} on {table.name}",
                message="a row trigger with transition tables cannot be on a partitioned table.",
                instead="Make it a statement trigger, or one without them.",
            )


def _has_transition_tables(definition: str) -> bool:
    from pglast import parse_sql

    statement: Any = parse_sql(definition)[0].stmt
    return bool(statement.transitionRels)


def _replicated(table: Table, catalog: Catalog) -> Iterator[Refusal]:
    for publication in table.publications:
        if not publication.all_tables:
            yield Refusal(
                code="publication",
                object=f"publication {publication.name}",
                message=f"it lists {table.name}, and would go on with the table that steps aside.",
                instead=f"ALTER PUBLICATION {quoted(publication.name)} DROP TABLE first, and add it again afterwards.",
            )
    if any(p.all_tables for p in table.publications) or catalog.logical_slots:
        yield Refusal(
            code="logical_replication",
            object=str(table.name),
            message="it is replicated logically: a subscriber gets the partitions' rows, and stops where it has no "
            "such tables.",
            instead="Let every subscriber have them before.",
            ack=CDC,
        )
    if table.replica_identity == "index":
        yield Refusal(
            code="replica_identity",
            object=str(table.name),
            message=f"its replica identity is index {table.replica_identity_index}, of which each partition has "
            "another.",
            instead="Set it to the default or to full first (set_replica_identity).",
        )


def _references(table: Table, catalog: Catalog) -> Iterator[Refusal]:
    for key in table.incoming_foreign_keys:
        referencing = catalog.table(key.table)
        if referencing is None or key.table == table.name:
            continue
        yield from owner_refusals((referencing,))
        if referencing.kind == "partitioned" and catalog.server_version < FIRST_WITH_UNVALIDATED_ON_PARTITIONED:
            yield Refusal(
                code="partition_reference",
                object=f"constraint {key.name} on {key.table}",
                message="a foreign key of a partitioned table can be made anew without reading all its rows only from "
                "PostgreSQL 18 on.",
                instead="Drop it first, and add it again afterwards (add_foreign_key).",
            )


def _materialized(views: tuple[View, ...]) -> Iterator[Refusal]:
    for view in views:
        if view.kind == "materialized view":
            yield Refusal(
                code="materialized_view",
                object=str(view.name),
                message="it would have to be filled anew while nobody can read it.",
                instead="Drop it first, and make it again afterwards.",
            )


def cautions(table: Table, *, every_row_placed: bool) -> Iterator[Caution]:
    """What a person should know."""
    name = str(table.name)
    yield Caution(
        code="disk_space",
        object=name,
        message=f"until the end of `retain` its rows are there twice: {max(1, table.total_bytes // 2**20)} MB more, "
        "as much WAL, and every write is done twice.",
    )
    if not every_row_placed:
        yield Caution(
            code="rows_without_partition",
            object=name,
            message="not every row has a partition. Until contract one without is left out of the twin, and then it "
            "keeps contract from beginning; from contract on it is refused. A default partition takes them.",
        )
    for trigger in table.triggers:
        if trigger.row:
            yield Caution(
                code="trigger_on_partitions",
                object=f"trigger {trigger.name} on {name}",
                message="from contract on it fires on the partitions: TG_RELID and TG_TABLE_NAME are theirs. An UPDATE "
                "that moves a row into another partition is a DELETE and an INSERT to it.",
            )
    left = [f"CLUSTER ON {i.name.name}" for i in table.indexes if i.clustered]
    left += [f"options of column {quoted(c.name)}" for c in table.columns if c.options]
    left += [f"the tablespace of index {i.name.name}" for i in table.indexes if i.tablespace is not None]
    if left:
        yield Caution(code="left_behind", object=name, message=f"these do not travel: {', '.join(left)}.")


def _listed(names: list[str]) -> str:
    return ", ".join(map(quoted, names))
