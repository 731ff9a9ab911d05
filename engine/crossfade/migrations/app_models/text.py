"""What an app's own SQL has to say, a line for each column or table that a plan is about. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.app_models.edits import (
    ColumnAdded,
    ColumnGone,
    ColumnRenamed,
    Edit,
    NullAllowed,
    TableRenamed,
    edits_of,
)

if TYPE_CHECKING:
    from crossfade.plan.model import Plan


def now(plan: Plan) -> str:
    """The lines of the old version."""
    edits, _ = edits_of(plan)
    added = {(edit.table, edit.column) for edit in edits if isinstance(edit, ColumnAdded)}
    lines = (_now(edit) for edit in edits if not (isinstance(edit, NullAllowed) and (edit.table, edit.column) in added))
    return "".join(f"{line}\n" for line in dict.fromkeys(line for line in lines if line is not None))


def edited(text: str, edit: Edit) -> str:
    """The lines with one edit."""
    old, new = _now(edit), _then(edit)
    lines = [line for line in text.splitlines() if line != old]
    return "".join(f"{line}\n" for line in (*lines, *([new] if new is not None else [])))


def _now(edit: Edit) -> str | None:
    match edit:
        case TableRenamed(table=table):
            return f"read and write the table {table}"
        case ColumnAdded():
            return None
        case ColumnRenamed(table=table, column=column) | ColumnGone(table=table, column=column):
            return f"read and write {table}.{column}"
        case NullAllowed(table=table, column=column, allowed=allowed):
            return f"take no NULL for {table}.{column}" if allowed else f"take NULL for {table}.{column}"


def _then(edit: Edit) -> str | None:
    match edit:
        case TableRenamed(to=to):
            return f"read and write the table {to}"
        case ColumnAdded(table=table, column=column):
            return f"read and write {table}.{column}"
        case ColumnRenamed(table=table, to=to):
            return f"read and write {table}.{to}"
        case ColumnGone(table=table, column=column):
            return f"say nothing of {table}.{column}; list the columns, no SELECT *"
        case NullAllowed(table=table, column=column, allowed=allowed):
            return f"take NULL for {table}.{column}" if allowed else f"take no NULL for {table}.{column}"
