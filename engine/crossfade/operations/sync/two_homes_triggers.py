"""The row triggers of `two_homes`, on the main table and on the side table."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.sync.row_triggers import RowTrigger
from crossfade.operations.sync.sameness import differs
from crossfade.operations.sync.two_homes_words import column_of

if TYPE_CHECKING:
    from crossfade.operations.sync.two_homes import TwoHomes


def on_main(homes: TwoHomes) -> tuple[RowTrigger, ...]:
    """On the main table, while both are served."""
    written, gone = f"{homes.name}_main_write", f"{homes.name}_main_remove"
    made = (
        RowTrigger(
            name=f"~{homes.name}_m",
            event="INSERT",
            function=f"{homes.name}_main_make",
            timing="AFTER",
            when=sql.SQL("NOT ({})").format(_given(homes, "main")),
            deferred=True,
        ),
    )
    return (
        *(() if homes.sparse else made),
        *((clearing(homes),) if homes.cleared else ()),
        RowTrigger(
            name=f"~{homes.name}_i", event="INSERT", function=written, timing="AFTER", when=_given(homes, "main")
        ),
        RowTrigger(
            name=f"~{homes.name}_u", event="UPDATE", function=written, timing="AFTER", when=_changed(homes, "main")
        ),
        _touching(homes, "main"),
        RowTrigger(name=f"~{homes.name}_d", event="DELETE", function=gone, timing="AFTER"),
    )


def on_side(homes: TwoHomes) -> tuple[RowTrigger, ...]:
    """On the side table, while both are served."""
    written = f"{homes.name}_side_write"
    return (
        *(admitting(homes) if homes.room or not homes.sparse else ()),
        RowTrigger(name=f"~{homes.name}_i", event="INSERT", function=written, timing="AFTER"),
        RowTrigger(
            name=f"~{homes.name}_u", event="UPDATE", function=written, timing="AFTER", when=_changed(homes, "side")
        ),
        _touching(homes, "side"),
        RowTrigger(name=f"~{homes.name}_d", event="DELETE", function=f"{homes.name}_side_remove", timing="AFTER"),
        RowTrigger(
            name=f"~{homes.name}_m",
            event="DELETE",
            function=f"{homes.name}_side_make",
            timing="AFTER",
            deferred=True,
        ),
    )


def _touching(homes: TwoHomes, side: str) -> RowTrigger:
    """At COMMIT of a write of other columns."""
    return RowTrigger(
        name=f"~{homes.name}_o",
        event="UPDATE",
        function=f"{homes.name}_{side}_touch",
        timing="AFTER",
        when=sql.SQL("NOT ({})").format(_changed(homes, side)),
        deferred=True,
    )


def admitting(homes: TwoHomes) -> tuple[RowTrigger, ...]:
    """On the side table: before a row gets a key there."""
    admitted, moved = f"{homes.name}_side_admit", _key_changed(homes, "side")
    return (
        RowTrigger(name=f"~{homes.name}_a", event="INSERT", function=admitted),
        RowTrigger(name=f"~{homes.name}_k", event="UPDATE", function=admitted, when=moved),
    )


def following(homes: TwoHomes) -> tuple[RowTrigger, ...]:
    """On the new home, once the old one is hidden."""
    follow, leading = f"{homes.name}_follow", "side" if homes.old == "main" else "main"
    return (
        RowTrigger(name=f"~{homes.name}_fi", event="INSERT", function=follow, timing="AFTER"),
        RowTrigger(
            name=f"~{homes.name}_fu", event="UPDATE", function=follow, timing="AFTER", when=_changed(homes, leading)
        ),
        RowTrigger(name=f"~{homes.name}_fd", event="DELETE", function=follow, timing="AFTER"),
    )


def entering(homes: TwoHomes) -> tuple[RowTrigger, ...]:
    """On a side table with hidden columns: its new rows are to have what the main table's have."""
    entered = f"{homes.name}_follow_entry"
    moved = _key_changed(homes, "side")
    return (
        RowTrigger(name=f"~{homes.name}_ei", event="INSERT", function=entered, timing="AFTER"),
        RowTrigger(name=f"~{homes.name}_eu", event="UPDATE", function=entered, timing="AFTER", when=moved),
    )


def making_again(homes: TwoHomes) -> RowTrigger:
    """On a side table that is the new home, once the old one is hidden."""
    return RowTrigger(
        name=f"~{homes.name}_fm", event="DELETE", function=f"{homes.name}_follow_gone", timing="AFTER", deferred=True
    )


def clearing(homes: TwoHomes) -> RowTrigger:
    """On the main table: before a row goes that one of the side table is in the way of."""
    return RowTrigger(name=f"~{homes.name}_c", event="DELETE", function=f"{homes.name}_main_clear")


def _given(homes: TwoHomes, side: str) -> sql.Composable:
    """Whether an INSERT gave any of the columns a value."""
    return sql.SQL(" OR ").join(differs(_field("NEW", column_of(p, side)), p.empty, exact=p.exact) for p in homes.pairs)


def _changed(homes: TwoHomes, side: str) -> sql.Composable:
    each = (
        differs(_field("NEW", column_of(p, side)), _field("OLD", column_of(p, side)), exact=p.exact)
        for p in homes.pairs
    )
    return sql.SQL(" OR ").join((_key_changed(homes, side), *each))


def _key_changed(homes: TwoHomes, side: str) -> sql.Composable:
    return sql.SQL(" OR ").join(
        differs(_field("NEW", column_of(k, side)), _field("OLD", column_of(k, side)), exact=False) for k in homes.key
    )


def _field(record: LiteralString, column: str) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.SQL(record), sql.Identifier(column))
