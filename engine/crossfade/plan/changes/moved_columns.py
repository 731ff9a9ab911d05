"""Columns that go from one table to another: what `split_table`, `move_columns` and `merge_tables` have in common."""

from crossfade.plan.changes.fields import ColumnName
from crossfade.plan.changes.listed_columns import ListOfNames
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier
from crossfade.plan.words import shown

MOST = 60
"""How many columns of a table one change can move."""
Names = dict[ColumnName, Identifier]
"""Columns, and what they are called in another table."""
OR_LISTED = ListOfNames(each=str, line="column: name there", most=MOST)
"""Marks columns that may also be written as a list, where each keeps its name."""


def each_once(columns: Names, key: Names) -> Names:
    """The columns, if none is of the key and no two get the same name. Raises a fault."""
    for name in columns:
        if name in key:
            raise fault(f"{shown(name)} is part of `key`", "leave it out: the key stands in both tables")
    there = (*columns.values(), *key.values())
    for name in there:
        if there.count(name) > 1:
            raise fault(f"two columns of the new table are called {shown(name)}", "give each a name of its own")
    return columns
