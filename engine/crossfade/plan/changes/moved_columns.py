"""Columns that go from one table to another: what `split_table`, `move_columns` and `merge_tables` have in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import CoreSchema, core_schema

from crossfade.plan.changes.fields import ColumnName
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.names import Identifier
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

MOST = 60
"""How many columns of a table one change can move."""
Names = dict[ColumnName, Identifier]
"""Columns, and what they are called in another table."""


@dataclass(frozen=True, slots=True)
class ListOfNames:
    """Marks columns that may also be written as a list, where each keeps its name."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> CoreSchema:
        """The mapping, or a list that becomes one."""
        return core_schema.no_info_before_validator_function(_as_mapping, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: "GetJsonSchemaHandler") -> "JsonSchemaValue":
        """Either form."""
        name = {"type": "string", "minLength": 1, "maxLength": 63}
        names = {"type": "array", "items": name, "minItems": 1, "maxItems": MOST, "uniqueItems": True}
        return {"oneOf": [handler(schema), names]}


def _as_mapping(value: object) -> object:
    if not isinstance(value, tuple | list):
        return value
    if not value:
        raise fault("`columns` is empty", "list at least one column")
    found = [FaultAt((n,), *said) for n, name in enumerate(value) for said in _not_a_name(name, value[:n])]
    if found:
        raise faults_at(found, value)
    return {name: name for name in value}


def _not_a_name(name: object, before: "tuple[object, ...] | list[object]") -> Iterator[tuple[str, str | None]]:
    if not isinstance(name, str):
        yield "expected the name of a column", "put it in quotes if it is one, or write `column: name there` lines"
    elif name in before:
        yield f"{shown(name)} is listed twice", "keep one of them"


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
