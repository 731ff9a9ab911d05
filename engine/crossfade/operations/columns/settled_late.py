"""A column that one change makes an ordinary one at contract, or later, and another sets or fills before that. Pure.

A change compiles against what the earlier ones leave in the end. Until contract the column still has its default, its
sequence, its expression or its NOT NULL, and PostgreSQL refuses what does not go with that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.errors import Refusal
from crossfade.operations.step import Part
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.columns.planned import Planned

_CONTRACT = list(Part).index(Part.HIDE)
_LOSES = {
    "AT_ColumnDefault": "its default",
    "AT_DropIdentity": "its identity",
    "AT_DropExpression": "the expression that it is generated from",
    "AT_DropNotNull": "its NOT NULL",
}
_IN_THE_WAY = {
    "AT_ColumnDefault": frozenset({"AT_AddIdentity"}),
    "AT_DropIdentity": frozenset({"AT_ColumnDefault", "AT_AddIdentity"}),
    "AT_DropExpression": frozenset({"AT_ColumnDefault", "AT_AddIdentity", "rows"}),
    "AT_DropNotNull": frozenset({"NULL"}),
}
"""What cannot be done to the column until then: statements, a value in rows, or NULL in rows."""


def refusals(earlier: Planned, later: Planned) -> Iterator[Refusal]:
    """One for each column that the later of two changes sets too early."""
    settled = dict(_settled(earlier))
    for (table, column), does in dict.fromkeys(_does(later)) if settled else ():
        loses = settled.get((table, column))
        if loses is not None and does in _IN_THE_WAY[loses]:
            yield Refusal(
                code="not_together",
                object=later.shown,
                message=f"it sets column {quoted(column)} before contract, and {earlier.shown} takes {_LOSES[loses]} "
                "away only then.",
                instead=f"Put {later.shown} into a plan of its own, after this one.",
            )


_Column: TypeAlias = tuple[str, str]
"""The names of a table and of its column."""


def _settled(planned: Planned) -> Iterator[tuple[_Column, str]]:
    """Columns that lose something at contract or later, and by which command."""
    for (part, _), node in planned.statements():
        for column, command in _commands(node) if part >= _CONTRACT else ():
            if command.subtype.name in _LOSES and not _is_set(command):
                yield column, command.subtype.name


def _does(planned: Planned) -> Iterator[tuple[_Column, str]]:
    """What is done to columns before contract."""
    for (part, _), node in planned.statements():
        for column, command in _commands(node) if part < _CONTRACT else ():
            if command.subtype.name != "AT_ColumnDefault" or _is_set(command):
                yield column, command.subtype.name
    for fill in planned.compiled.fills:
        yield from (((fill.table, column), "rows") for column in fill.touched)
    for table in planned.change.tables[:1]:
        for place, expression in planned.change.expressions:
            if expression.is_null:
                yield (table.name, place.rpartition(".")[2]), "NULL"


def _commands(node: Any) -> Iterator[tuple[_Column, Any]]:
    if kind(node) == "AlterTableStmt":
        yield from (((node.relation.relname, c.name), c) for c in node.cmds if c.name)


def _is_set(command: Any) -> bool:
    return command.subtype.name == "AT_ColumnDefault" and command.def_ is not None
