"""What an app's own SQL has to say, a line for each column or table that a plan is about. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.app_models.answers import edits_of
from crossfade.migrations.app_models.edits import (
    App,
    ColumnAdded,
    ColumnGone,
    ColumnRenamed,
    ColumnTyped,
    DefaultSet,
    Edit,
    NullAllowed,
    TableGone,
    TableRenamed,
    ValueAdded,
    ValueGone,
    ValueRenamed,
)

if TYPE_CHECKING:
    from crossfade.plan.model import Plan


def now(plan: Plan) -> str:
    """The lines of the old version."""
    edits = edits_of(plan, App.SQL)
    new = {(edit.table, edit.column) for edit in edits if isinstance(edit, ColumnAdded)}
    new |= {(edit.table, edit.to) for edit in edits if isinstance(edit, ColumnRenamed)}
    of_new = (isinstance(edit, NullAllowed | ColumnTyped) and (edit.table, edit.column) in new for edit in edits)
    lines = (_now(edit) for edit, is_of_new in zip(edits, of_new, strict=True) if not is_of_new)
    return "".join(f"{line}\n" for line in dict.fromkeys(line for line in lines if line is not None))


def edited(text: str, edit: Edit) -> str:
    """The lines with one edit."""
    old, new = _now(edit), _then(edit)
    lines = [line for line in text.splitlines() if line != old]
    return "".join(f"{line}\n" for line in (*lines, *([new] if new is not None else [])))


def _now(edit: Edit) -> str | None:
    match edit:
        case TableRenamed(table=table) | TableGone(table=table):
            return f"read and write the table {table}"
        case ColumnRenamed(table=table, column=column) | ColumnGone(table=table, column=column):
            return f"read and write {table}.{column}"
        case ColumnTyped(table=table, column=column):
            return f"take {table}.{column} as what it was and as what it becomes"
        case NullAllowed(table=table, column=column, allowed=allowed):
            return f"take no NULL for {table}.{column}" if allowed else f"take NULL for {table}.{column}"
        case ValueRenamed(type=type_, value=value) | ValueGone(type=type_, value=value):
            return f"take {value!r} of {type_}"
    return None


def _then(edit: Edit) -> str | None:
    match edit:
        case TableRenamed(to=to):
            return f"read and write the table {to}"
        case TableGone(table=table):
            return f"say nothing of the table {table}"
        case ColumnAdded(table=table, column=column):
            return f"read and write {table}.{column}"
        case ColumnRenamed(table=table, to=to):
            return f"read and write {table}.{to}"
        case ColumnGone(table=table, column=column):
            return f"say nothing of {table}.{column}; list the columns, no SELECT *"
        case ColumnTyped(table=table, column=column, type=type_):
            return f"take {table}.{column} as {type_}"
        case NullAllowed(table=table, column=column, allowed=allowed):
            return f"take NULL for {table}.{column}" if allowed else f"take no NULL for {table}.{column}"
    return _of_values(edit)


def _of_values(edit: Edit) -> str | None:
    match edit:
        case DefaultSet(table=table, column=column, value=None):
            return f"give {table}.{column} a value in every INSERT"
        case DefaultSet(table=table, column=column, value=value):
            return f"leave {table}.{column} out of an INSERT where {value} is meant"
        case ValueAdded(type=type_, value=value):
            return f"take {value!r} of {type_}"
        case ValueRenamed(type=type_, to=to):
            return f"take {to!r} of {type_}"
    return None
