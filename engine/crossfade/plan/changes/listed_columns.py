"""Columns as a mapping that may also be written as a list of names: what each name in the list stands for is given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import CoreSchema, core_schema

from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOfNames:
    """Marks such columns; as `Annotated[…, ListOfNames(…)]`."""

    each: Callable[[str], str]
    """What a name in the list gets in the mapping."""
    line: str
    """How a line of the mapping is written, for a person: `column: expression`."""
    most: int | None = None
    """How many the list may have."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> CoreSchema:
        """The mapping, or a list that becomes one."""
        return core_schema.no_info_before_validator_function(self._as_mapping, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: "GetJsonSchemaHandler") -> "JsonSchemaValue":
        """Either form."""
        name = {"type": "string", "minLength": 1, "maxLength": 63}
        most = {} if self.most is None else {"maxItems": self.most}
        names = {"type": "array", "items": name, "minItems": 1, **most, "uniqueItems": True}
        return {"oneOf": [handler(schema), names]}

    def _as_mapping(self, value: object) -> object:
        if not isinstance(value, tuple | list):
            return value
        if not value:
            raise fault("`columns` is empty", "list at least one column")
        found = [FaultAt((n,), *said) for n, name in enumerate(value) for said in self._not_a_name(name, value[:n])]
        if found:
            raise faults_at(found, value)
        return {name: self.each(name) for name in value}

    def _not_a_name(
        self, name: object, before: "tuple[object, ...] | list[object]"
    ) -> Iterator[tuple[str, str | None]]:
        if not isinstance(name, str):
            yield "expected the name of a column", f"put it in quotes if it is one, or write `{self.line}` lines"
        elif name in before:
            yield f"{shown(name)} is listed twice", "keep one of them"
        elif not 1 <= len(name.encode("utf-8", "surrogatepass")) <= 63:
            yield f"{shown(name)} is no column's name: 1 to 63 bytes", "use the name as `\\d` shows it"
