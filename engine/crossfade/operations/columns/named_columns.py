"""The columns that an expression of the plan names, looked for before anything is made of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import SYSTEM_COLUMNS, near_or_all
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Table


def unknown(
    place: Place,
    table: Table,
    fields: Iterable[tuple[str, Expression | None, Collection[str]]],
) -> Iterator[Refusal]:
    """What an expression names and cannot see; for each field its place in the entry, and the columns it may name."""
    for field, expression, known in fields:
        for name in () if expression is None else expression.columns:
            if name not in known:
                yield Refusal(
                    code="no_such_column",
                    object=f"{field} of {place.kind} on {table.name}",
                    message=f"{shown(expression.text if expression else '')} names {_what(name, table)}.",
                    instead=near_or_all(name, known),
                )


def _what(name: str, table: Table) -> str:
    if name in SYSTEM_COLUMNS:
        return f"the system column {name}, which is no value of the row"
    if name == table.name.name and table.column(name) is None:
        return f"{name}, the row as a whole"
    return f"{name}, which is no column that it can be computed from"
