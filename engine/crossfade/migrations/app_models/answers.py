"""What each kind of change means for an app's models.

Every kind has an answer for every app: edits of the file, words for what a person has to do, or that the models say
nothing of it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.migrations.app_models.by_hand import besides, instead
from crossfade.migrations.app_models.edits import (
    App,
    ColumnAdded,
    ColumnGone,
    ColumnRenamed,
    ColumnTyped,
    DefaultSet,
    Edit,
    EnumAdded,
    IndexAdded,
    NullAllowed,
    Since,
    TableGone,
    TableRenamed,
    ValueAdded,
    ValueGone,
    ValueRenamed,
)
from crossfade.plan import changes as c

if TYPE_CHECKING:
    from crossfade.plan.changes import Change
    from crossfade.plan.model import Plan

_SILENT = frozenset(
    {
        *("set_comment", "set_statistics", "set_storage", "set_storage_parameters", "set_replica_identity"),
        *("reindex", "attach_partition", "detach_partition", "update_rows", "delete_rows", "copy_rows"),
    }
)
SILENT: dict[App, frozenset[str]] = {
    App.PRISMA: _SILENT | {"add_check", "add_exclusion", "add_domain_check", "create_domain", "enable_row_security"},
    App.DRIZZLE: _SILENT | {"add_exclusion", "add_domain_check", "create_domain"},
    App.SQL: _SILENT
    | {
        *("create_index", "drop_index", "replace_index", "rename_index", "rename_constraint", "drop_constraint"),
        *("create_enum", "create_domain", "partition_table"),
    },
}
"""Kinds of which an app's models say nothing."""
_NOT_EDITED: dict[App, tuple[type[Edit], ...]] = {
    App.PRISMA: (),
    App.DRIZZLE: (IndexAdded,),
    App.SQL: (IndexAdded, EnumAdded),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a change comes to."""

    edits: tuple[Edit, ...] = ()
    by_hand: str | None = None
    """What a person has to do besides, or instead."""
    is_silent: bool = False
    """The models say nothing of it."""


def answer(change: Change, app: App) -> Answer:
    """The answer for a change."""
    if change.kind in SILENT[app]:
        return Answer(is_silent=True)
    edits = tuple(edit for edit in _edits(change) if not isinstance(edit, _NOT_EDITED[app]))
    return Answer(edits=edits, by_hand=besides(change, app) if edits else instead(change, app))


def edits_of(plan: Plan, app: App) -> tuple[Edit, ...]:
    """The edits of all changes, in their order."""
    return tuple(edit for change in plan.changes for edit in answer(change, app).edits)


def _edits(change: Change) -> tuple[Edit, ...]:
    match change:
        case c.RenameTable():
            return (TableRenamed(table=change.from_, to=change.to),)
        case c.DropTable():
            return (TableGone(table=change.table),)
        case c.CreateEnum():
            return (EnumAdded(type=change.name, values=change.values),)
        case c.AddEnumValue():
            return (ValueAdded(type=change.type, value=change.value, before=change.before, after=change.after),)
        case c.RenameEnumValue():
            return (ValueRenamed(type=change.type, value=change.from_, to=change.to),)
        case c.RemoveEnumValues():
            return tuple(ValueGone(type=change.type, value=value) for value in change.map_)
        case c.CreateIndex() | c.AddUnique():
            return _index(change)
        case _:
            return _of_columns(change)


def _of_columns(change: Change) -> tuple[Edit, ...]:
    match change:
        case c.RenameColumn():
            return (ColumnRenamed(table=change.table, column=change.from_, to=change.to),)
        case c.DropColumn():
            return (ColumnGone(table=change.table, column=change.column),)
        case c.AddColumn():
            return _added(change)
        case c.ChangeType():
            return _typed(change)
        case c.SetNotNull():
            return (NullAllowed(table=change.table, column=change.column, allowed=False, since=Since.AFTER),)
        case c.DropNotNull():
            return (NullAllowed(table=change.table, column=change.column, allowed=True, since=Since.NEW),)
        case c.SetDefault():
            return (DefaultSet(table=change.table, column=change.column, value=change.value),)
        case c.DropDefault():
            # From contract on nobody else says it; the new version says it before.
            return (DefaultSet(table=change.table, column=change.column, value=None),)
    return ()


def _added(change: c.AddColumn) -> tuple[Edit, ...]:
    edits: list[Edit] = [ColumnAdded(table=change.table, column=change.name, type=change.type)]
    if change.default is not None:
        edits.append(DefaultSet(table=change.table, column=change.name, value=change.default))
    if not change.nullable:
        # Rows of old versions may have no value for it until NOT NULL is enforced, in contract.
        edits.append(NullAllowed(table=change.table, column=change.name, allowed=False, since=Since.AFTER))
    return tuple(edits)


def _typed(change: c.ChangeType) -> tuple[Edit, ...]:
    if change.into is None:
        # Until contract the column has the old type, and every live version works with either.
        return (ColumnTyped(table=change.table, column=change.column, type=change.to, since=Since.AFTER),)
    return (
        ColumnRenamed(table=change.table, column=change.column, to=change.into),
        ColumnTyped(table=change.table, column=change.into, type=change.to, since=Since.NEW),
    )


def _index(change: c.CreateIndex | c.AddUnique) -> tuple[Edit, ...]:
    if isinstance(change, c.AddUnique):
        if change.where is not None:
            return ()
        columns, unique = change.columns, True
    else:
        keys = change.columns
        is_plain = change.method == "btree" and not change.where and not change.include
        if not is_plain or any(key.order == "desc" or key.nulls or key.collation or key.opclass for key in keys):
            return ()
        columns = tuple(key.column for key in keys if key.column is not None)
        if len(columns) < len(keys):
            return ()
        unique = change.unique
    return (
        IndexAdded(
            table=change.table,
            name=change.name,
            columns=columns,
            unique=unique,
            since=Since.AFTER if unique else Since.NEW,
        ),
    )
