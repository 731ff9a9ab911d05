"""What stands in the way of columns that move between two tables which are both there, whichever way. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import name_refusals, no_column, right_refusals
from crossfade.operations.step import Caution
from crossfade.operations.tables import moved_columns
from crossfade.operations.tables import moved_columns_preflight as moves
from crossfade.operations.tables.moved_columns_preflight import Moving
from crossfade.operations.tables.table_preflight import other_runs
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.tables.other_home import OtherHome
    from crossfade.postgres.catalog import Index, Table


def missing(home: OtherHome) -> Iterator[Refusal]:
    """Columns that are not there, or whose names are taken; nothing else can be said before."""
    if home.old.name == home.new.name:
        yield Refusal(
            code="unsupported_table",
            object=str(home.old.name),
            message="it cannot be both tables.",
            instead="Name the other one, or rename the columns (rename_column).",
        )
        return
    for table, names in ((home.old, (*home.key, *home.columns)), (home.new, home.key.values())):
        yield from (no_column(table, name) for name in names if table.column(name) is None)
    for name in home.columns.values():
        yield from name_refusals(name, home.new, (home.new,))


def refusals(home: OtherHome) -> Iterator[Refusal]:
    """What holds for every move between two tables."""
    old, new = home.old, home.new
    for table, names in ((old, tuple(home.key)), (new, tuple(home.key.values()))):
        yield from moves.shape(table)
        yield from moves.hanging_on_it(table)
        yield from moves.key(names, table)
    yield from right_refusals((old, new))
    yield from other_runs((old,), (*home.columns, *home.key))
    yield from other_runs((new,), home.key.values())
    for name in home.columns:
        yield from moves.column(old, moved_columns.column(old, name))
    yield from moves.constraints(Moving(key=home.key, columns=home.columns), old)
    yield from _unique(home)
    yield from _key_types(home)
    yield from _reference(home)


def _unique(home: OtherHome) -> Iterator[Refusal]:
    for index in old_indexes(home):
        if index.unique:
            yield Refusal(
                code="unsupported_constraint",
                object=f"unique constraint or index {index.name.name} on {home.old.name}",
                message="what is unique here would not be there.",
                instead=f"Drop it in a plan before this one, and let this one add it to {home.new.name} (add_unique).",
            )


def _key_types(home: OtherHome) -> Iterator[Refusal]:
    for here, there in home.key.items():
        types = moved_columns.column(home.old, here).type, moved_columns.column(home.new, there).type
        if types[0] != types[1]:
            yield Refusal(
                code="key_type",
                object=f"{home.new.name}.{quoted(there)}",
                message=f"it is {types[1]}, and {home.old.name}.{quoted(here)} is {types[0]}.",
                instead="Give both the same type first: change_type.",
            )


def _reference(home: OtherHome) -> Iterator[Refusal]:
    reference, tables = home.reference, f"{home.old.name} and {home.new.name}"
    if reference is None:
        yield Refusal(
            code="no_reference",
            object=tables,
            message="no foreign key over `key` leads from one of them to the other, so a row could be there without "
            "the one that its values are to come from.",
            instead="Add one first: add_foreign_key.",
        )
    elif not (reference.validated and reference.enforced):
        yield Refusal(
            code="no_reference",
            object=f"constraint {reference.name}",
            message="it is not known to hold for every row.",
            instead="Validate it first.",
        )


def side_of(home: OtherHome) -> Table:
    """The table with the foreign key."""
    return home.new if home.main == "old" else home.old


def old_indexes(home: OtherHome) -> tuple[Index, ...]:
    """Those over nothing else."""
    return tuple(i for i in home.old.indexes if i.references and i.references <= {*home.columns})


def left(home: OtherHome) -> Iterator[Caution]:
    """What goes with the columns and is not made again by itself."""
    gone = [f"index {i.name.name}" for i in old_indexes(home)]
    if gone:
        yield Caution(
            code="goes_along",
            object=str(home.old.name),
            message=f"with the columns go: {', '.join(gone)}; the same plan can make them for {home.new.name} behind "
            "this change (create_index).",
        )
    columns = [moved_columns.column(home.old, name) for name in home.columns]
    behind = [f"options of column {quoted(c.name)}" for c in columns if c.options]
    behind += [f"rights on column {quoted(c.name)}" for c in columns if c.privileges]
    if behind:
        yield Caution(
            code="left_behind", object=str(home.old.name), message=f"these do not go along: {', '.join(behind)}."
        )
