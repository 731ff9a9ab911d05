"""Which operation compiles which kind of change: the registry. A new kind is one more line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from crossfade.operations import (
    change_type,
    copy_rows,
    delete_rows,
    merge_columns,
    rename_column,
    split_column,
    update_rows,
)
from crossfade.plan import changes

if TYPE_CHECKING:
    from crossfade.operations.step import Compiled, Place
    from crossfade.postgres.catalog import Catalog

OPERATIONS: dict[type, Callable[[Any, Place, Catalog], Compiled]] = {
    changes.ChangeType: change_type.compile_change,
    changes.RenameColumn: rename_column.compile_change,
    changes.SplitColumn: split_column.compile_change,
    changes.MergeColumns: merge_columns.compile_change,
    changes.UpdateRows: update_rows.compile_change,
    changes.DeleteRows: delete_rows.compile_change,
    changes.CopyRows: copy_rows.compile_change,
}
"""A kind of change, and what compiles it: pure, from the entry, its place in the plan and the catalog before it."""
