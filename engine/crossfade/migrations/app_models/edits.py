"""What a plan can make an app's models say otherwise, and from when on: values only, see `answers`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.plan.expressions import Expression
    from crossfade.plan.names import TableName
    from crossfade.plan.types import SqlType


class App(StrEnum):
    """What an app has its models in."""

    PRISMA = "prisma"
    DRIZZLE = "drizzle"
    SQL = "sql"
    """Statements of its own."""


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
class TableGone:
    """The model goes."""

    table: TableName
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnAdded:
    """A new field."""

    table: TableName
    column: str
    type: SqlType
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnGone:
    """The field goes."""

    table: TableName
    column: str
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnTyped:
    """The field has another type."""

    table: TableName
    column: str
    type: SqlType
    since: Since


@dataclass(frozen=True, slots=True, kw_only=True)
class NullAllowed:
    """Whether the field may have no value."""

    table: TableName
    column: str
    allowed: bool
    since: Since


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultSet:
    """What the field has where nothing is said; None for nothing."""

    table: TableName
    column: str
    value: Expression | None
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexAdded:
    """An index over columns, or a constraint that has one."""

    table: TableName
    name: str
    columns: tuple[str, ...]
    unique: bool
    since: Since


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumAdded:
    """A new enum."""

    type: TableName
    values: tuple[str, ...]
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAdded:
    """A new value of an enum; behind the last one without a neighbour."""

    type: SqlType
    value: str
    before: str | None
    after: str | None
    since: Since = Since.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRenamed:
    """The value stays, its label in the database is another one."""

    type: SqlType
    value: str
    to: str
    since: Since = Since.AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueGone:
    """The value goes."""

    type: SqlType
    value: str
    since: Since = Since.AFTER


OfColumn = ColumnRenamed | ColumnGone | ColumnTyped | NullAllowed | DefaultSet
"""Edits of a field that is there."""
OfTable = OfColumn | ColumnAdded | TableRenamed | TableGone | IndexAdded
"""Edits of a model, or of what is in it."""
OfValue = ValueAdded | ValueRenamed | ValueGone
"""Edits of an enum that is there."""
Edit = OfTable | EnumAdded | OfValue


class ByHand(Exception):
    """The file does not have what is to be changed in a form that is understood; the message says what to do."""


class AlreadySo(Exception):
    """The file has what an edit would make, so it is not that of the old version; the text says what it has."""
