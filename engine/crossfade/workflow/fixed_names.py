"""What a plan by itself says that it changes of what the project's settings say is fixed; no database is asked.

Only names with a schema count: which table another one means is for a database to say. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.plan.changes import (
    AddColumn,
    AddForeignKey,
    CopyRows,
    CreateDomain,
    CreateEnum,
    CreateTable,
    DeleteRows,
    MoveTable,
    RawSql,
    UpdateRows,
)
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.changed import Changed
from crossfade.postgres.forecast import Schema
from crossfade.workflow.fixed_schemas import changed_inside, refusals_of

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.plan.changes import Change
    from crossfade.plan.fixed import Fixed
    from crossfade.plan.model import Plan
    from crossfade.plan.names import TableName

_NOWHERE = Schema.of(Catalog(server_version=0, search_path=("",)))
"""Names without a schema are in one without a name, which no entry has."""
_WRITES = "writes rows of"


def named_refusals(plan: Plan, fixed: Fixed) -> Iterator[Refusal]:
    """One for each thing that is fixed and that the plan names to change it."""
    yield from refusals_of((changed for change in plan.changes for changed in _changed(change)), fixed)


def _changed(change: Change) -> Iterator[Changed]:
    for table, does in _tables(change):
        if table.schema is not None:
            yield Changed(schema=table.schema, name=table.name, does=does)
    if isinstance(change, RawSql):
        for statement in change.statements:
            yield from changed_inside(_NOWHERE, statement.text)


def _tables(change: Change) -> Iterator[tuple[TableName, str]]:
    """Without those that it only reads or refers to."""
    match change:
        case RawSql():
            yield from () if change.backfill is None else ((change.backfill.table, _WRITES),)
        case CreateTable() | CreateEnum() | CreateDomain():
            yield change.name, "creates"
        case MoveTable():
            yield change.table, "changes"
            yield replace(change.table, schema=change.to_schema), "creates"
        case CopyRows():
            yield change.into, _WRITES
        case UpdateRows() | DeleteRows():
            yield from ((table, _WRITES) for table in change.tables)
        case AddColumn() | AddForeignKey():
            yield change.table, "changes"
        case _:
            yield from ((table, "changes") for table in change.tables)
