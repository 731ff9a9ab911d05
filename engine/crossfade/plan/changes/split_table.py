"""`split_table`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import CoreSchema, core_schema

from crossfade.plan.changes.fields import ColumnName, TableChange
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.names import Identifier
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

_MOST = 60
Names = dict[ColumnName, Identifier]
"""Columns, and what they are called in another table."""


@dataclass(frozen=True, slots=True)
class _ListOfNames:
    """Marks columns that may also be written as a list, where each keeps its name."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> CoreSchema:
        """The mapping, or a list that becomes one."""
        return core_schema.no_info_before_validator_function(_as_mapping, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: "GetJsonSchemaHandler") -> "JsonSchemaValue":
        """Either form."""
        name = {"type": "string", "minLength": 1, "maxLength": 63}
        names = {"type": "array", "items": name, "minItems": 1, "maxItems": _MOST, "uniqueItems": True}
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


class SplitTable(TableChange):
    """Move columns to a new table, with a row there for each row here. Both shapes work until contract."""

    kind: ClassVar[str] = "split_table"

    to_table: Identifier = Field(
        description="The new table's name; it is made in the same schema.", examples=["profiles"]
    )
    key: Annotated[Names, Field(min_length=1, max_length=32)] = Field(
        description="What says which rows belong together: columns of the table that are unique and NOT NULL, and "
        "their names in the new one.",
        examples=[{"id": "user_id"}],
    )
    columns: Annotated[Names, _ListOfNames()] = Field(
        min_length=1,
        max_length=_MOST,
        description=f"The columns that move, at most {_MOST}; or each with its name in the new table.",
        examples=[["bio", "avatar"], {"bio": "about"}],
    )

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: Names, info: ValidationInfo) -> Names:
        key: Names = info.data.get("key") or {}
        for name in columns:
            if name in key:
                raise fault(f"{shown(name)} is part of `key`", "leave it out: the key stands in both tables")
        there = (*columns.values(), *key.values())
        for name in there:
            if there.count(name) > 1:
                raise fault(f"two columns of the new table are called {shown(name)}", "give each a name of its own")
        return columns
