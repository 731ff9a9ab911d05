"""The kinds of change that a plan can list: a file for each, and one more member of `Change` for a new one."""

from typing import Annotated

from crossfade.plan.changes.change_type import ChangeType
from crossfade.plan.changes.copy_rows import CopyRows
from crossfade.plan.changes.delete_rows import DeleteRows
from crossfade.plan.changes.fields import Prose
from crossfade.plan.changes.merge_columns import MergeColumns
from crossfade.plan.changes.rename_column import RenameColumn
from crossfade.plan.changes.split_column import SplitColumn
from crossfade.plan.changes.update_rows import UpdateRows
from crossfade.plan.entries import OneKey

__all__ = [
    "Change",
    "ChangeEntry",
    "ChangeType",
    "CopyRows",
    "DataEntry",
    "DeleteRows",
    "MergeColumns",
    "Prose",
    "RenameColumn",
    "SplitColumn",
    "UpdateRows",
]

Change = (
    RenameColumn
    | ChangeType
    | SplitColumn
    | MergeColumns
    # rows
    | UpdateRows
    | DeleteRows
    | CopyRows
)
"""Every kind of change, as a union; this is the registry."""

DataEntry = UpdateRows | DeleteRows | CopyRows
"""The kinds that change rows and no schema."""

ChangeEntry = Annotated[Change, OneKey("change")]
"""A change as the plan's list has it."""
