"""When within contract a change of something that stands on columns has its turn. Pure.

A later change of the plan may exchange these columns, and carries over what stands on them by the names that this one
leaves; on the way back this one has to find them as they were. So it comes before the exchange. What an earlier change
exchanges, renames or makes has its name only afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.operations.step import Turn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.postgres.catalog import Index, Table


def turn_of(table: Table, columns: Iterable[str], index: Index | None) -> Turn:
    """The turn of what stands on the columns of the table, and is held up by the index if there is one."""
    known = (table.column(name) for name in columns)
    is_exchanged = table.until_contract is not None or any(c is None or c.until_contract for c in known)
    is_made = index is not None and index.oid == 0
    return Turn.AFTER if is_exchanged or is_made else Turn.BEFORE
