"""What the entries of a plan make of the old shape: the names in the new one, and what becomes of a value.

Read from the plan alone, so that what its author meant is compared with what its run has done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from .shape import Shape

Place = tuple[str, str]
"""A table and a column of it, by their names in the new shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """From old to new; what is not named stays as it is."""

    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[Place, str] = field(default_factory=dict)
    """The new name, by the table's new name and the column's old one."""
    labels: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """By the enum's name."""
    expressions: Mapping[Place, str] = field(default_factory=dict)
    """SQL over the column's old name."""

    def place(self, table: str, column: str) -> Place:
        """Where a column of the old shape is in the new one."""
        new = self.tables.get(table, table)
        return new, self.columns.get((new, column), column)


AS_IT_IS = Meaning()


def meaning(entries: Iterable[Mapping[str, Any]]) -> Meaning:
    """What the entries of one plan mean."""
    tables: dict[str, str] = {}
    columns: dict[Place, str] = {}
    labels: dict[str, Mapping[str, str | None]] = {}
    expressions: dict[Place, str] = {}
    for entry in entries:
        ((kind, given),) = entry.items()
        if kind == "rename_table":
            tables[_last(given["from"])] = _last(given["to"])
        elif kind == "rename_column":
            columns[_last(given["table"]), given["from"]] = given["to"]
        elif kind == "remove_enum_values":
            labels[_last(given["type"])] = dict(given["map"])
        elif kind == "rename_enum_value":
            labels[_last(given["type"])] = {given["from"]: given["to"]}
        elif kind == "change_type" and "using" in given:
            expressions[_last(given["table"]), given["column"]] = given["using"]
    return Meaning(tables=tables, columns=columns, labels=labels, expressions=expressions)


class Converter:
    """Values of the old shape as the new one shows them, as text."""

    def __init__(self, connection: psycopg.Connection[Any], meaning: Meaning, old: Shape) -> None:
        self._connection = connection
        self._meaning = meaning
        self._types = {
            meaning.place(table.name, column.name): (column.name, column.type)
            for table in old.values()
            for column in table.columns.values()
        }
        self._known: dict[tuple[Place, str], str | None] = {}

    def converted(self, place: Place, value: str | None) -> str | None:
        """What the old version's value becomes there."""
        name, type_ = self._types[place]
        labels = self._meaning.labels.get(_last(type_))
        if labels is not None:
            return value if value is None else labels.get(value, value)
        expression = self._meaning.expressions.get(place)
        if expression is None or value is None:
            return value
        if (place, value) not in self._known:
            self._known[place, value] = self._computed(expression, name, type_, value)
        return self._known[place, value]

    def _computed(self, expression: str, name: str, type_: str, value: str) -> str | None:
        query = sql.SQL("SELECT ({})::text FROM (SELECT {}::{} AS {}) AS r").format(
            sql.SQL(expression), value, sql.SQL(type_), sql.Identifier(name)
        )
        (found,) = self._connection.execute(query).fetchone() or (None,)
        return None if found is None else str(found)


def _last(name: str) -> str:
    return TableName.parse(name).name
