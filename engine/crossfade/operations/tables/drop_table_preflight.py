"""What stands in the way of dropping a table, and what goes with it: pure functions over the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.step import Caution
from crossfade.operations.tables.ownership import owner_refusals

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Table

_GOES_ALONG = frozenset({"policy", "publication", "statistics", "trigger", "generated column", "rule", "foreign key"})
"""Kinds of dependents that DROP TABLE takes with it, or that are judged by themselves."""


def refusals(table: Table, family: tuple[Table, ...]) -> Iterator[Refusal]:
    """Every reason against it."""
    names = {member.name for member in family}
    if table.until_contract is not None:
        yield Refusal(
            code="in_another_run",
            object=str(table.name),
            message="an earlier change of this plan gives it another name.",
            instead="Drop it in a plan of its own.",
        )
    parents = (*((table.partition_parent,) if table.partition_parent else ()), *table.inherits)
    if parents:
        yield Refusal(
            code="unsupported_table",
            object=str(table.name),
            message=f"it is a partition or child of {parents[0]}, which shows its rows under whatever name it has.",
            instead="Detach it first (detach_partition, ALTER TABLE … NO INHERIT).",
        )
    yield from owner_refusals(family)
    for member in family:
        for key in member.incoming_foreign_keys:
            if key.table not in names and not key.until_contract:
                yield _in_the_way(f"foreign key {key.name} of {key.table}", table)
        for dependent in member.dependents:
            if dependent.kind not in _GOES_ALONG:
                yield _in_the_way(f"{dependent.kind} {dependent.name}", table)
    if table.kind == "table" and table.children:
        children = ", ".join(map(str, table.children))
        yield Refusal(
            code="table_dependent",
            object=str(table.name),
            message=f"other tables inherit from it: {children}.",
            instead="Let them go on by themselves first: ALTER TABLE … NO INHERIT.",
        )


def _in_the_way(name: str, table: Table) -> Refusal:
    return Refusal(
        code="table_dependent",
        object=name,
        message=f"it depends on {table.name}, which could be dropped with CASCADE only.",
        instead="Drop it first, in a plan or a migration of its own.",
    )


def cautions(table: Table, family: tuple[Table, ...]) -> Iterator[Caution]:
    """What goes with it, and what PostgreSQL does not know of."""
    going = [str(member.name) for member in family if member is not table]
    going += [f"{d.kind} {d.name}" for d in table.dependents if d.kind == "publication"]
    if going:
        yield Caution(
            code="goes_along",
            object=str(table.name),
            message=f"with it go: {', '.join(going)}.",
        )
    for function in table.text_functions:
        yield Caution(
            code="function_text",
            object=f"function {function.name}",
            message=f"its text may name {table.name}; PostgreSQL does not track that. It fails after contract.",
        )
