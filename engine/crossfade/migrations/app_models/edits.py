"""What of a plan an app's models have to say otherwise, and from when on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from crossfade.plan.changes.add_column import AddColumn
from crossfade.plan.changes.drop_column import DropColumn
from crossfade.plan.changes.drop_not_null import DropNotNull
from crossfade.plan.changes.rename_column import RenameColumn
from crossfade.plan.changes.rename_table import RenameTable
from crossfade.plan.changes.set_not_null import SetNotNull

if TYPE_CHECKING:
    from crossfade.plan.changes import Change
    from crossfade.plan.model import Plan
    from crossfade.plan.names import TableName
    from crossfade.plan.types import SqlType


class Since(Enum):
    """Which version says it first."""

    NEW = "the new version"
    AFTER = "once the run is contracted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRenamed:
    """The field stays, its column has another name."""

    table: TableName
    column: str
    to: str
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRenamed:
    """The model stays, its table has another name."""

    table: TableName
    to: str
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnAdded:
    """A new field."""

    table: TableName
    column: str
    type: SqlType
    has_default: bool
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnGone:
    """The field goes."""

    table: TableName
    column: str
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class NullAllowed:
    """Whether the field may have no value."""

    table: TableName
    column: str
    allowed: bool
    since: Since


Edit = ColumnRenamed | TableRenamed | ColumnAdded | ColumnGone | NullAllowed


class ByHand(Exception):
    """The file does not have what is to be changed in a form that is understood; the message says what to do."""


def edits_of(plan: Plan) -> tuple[tuple[Edit, ...], tuple[str, ...]]:
    """The edits in the order of the changes, and the kinds of those changes that are no matter of these edits."""
    edits, others = list[Edit](), list[str]()
    for change in plan.changes:
        found = _edits(change)
        edits += found
        if not found:
            others.append(change.kind)
    return tuple(edits), tuple(dict.fromkeys(others))


def _edits(change: Change) -> tuple[Edit, ...]:
    match change:
        case RenameColumn():
            return (ColumnRenamed(table=change.table, column=change.from_, to=change.to),)
        case RenameTable():
            return (TableRenamed(table=change.from_, to=change.to),)
        case DropColumn():
            return (ColumnGone(table=change.table, column=change.column),)
        case AddColumn():
            has_default = any((change.default, change.generated, change.identity))
            added = ColumnAdded(table=change.table, column=change.name, type=change.type, has_default=has_default)
            # Rows of old versions may have no value for it until NOT NULL is enforced, in contract.
            later = NullAllowed(table=change.table, column=change.name, allowed=False, since=Since.AFTER)
            return (added,) if change.nullable else (added, later)
        case SetNotNull():
            return (NullAllowed(table=change.table, column=change.column, allowed=False, since=Since.AFTER),)
        case DropNotNull():
            return (NullAllowed(table=change.table, column=change.column, allowed=True, since=Since.NEW),)
    return ()
