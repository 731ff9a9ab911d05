"""`copy_rows`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import CoreSchema, core_schema

from crossfade.plan.changes.fields import TABLE_EXAMPLES, ChangeModel, Condition, Values, placed
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.names import TableName
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue


@dataclass(frozen=True, slots=True)
class _ListOfNames:
    """Marks columns that may also be written as a list of names, each of which gets the column of its own name."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> CoreSchema:
        """The mapping, or a list that becomes one."""
        return core_schema.no_info_before_validator_function(_as_mapping, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: "GetJsonSchemaHandler") -> "JsonSchemaValue":
        """Either form."""
        name = {"type": "string", "minLength": 1, "maxLength": 63}
        names = {"type": "array", "items": name, "minItems": 1, "uniqueItems": True}
        return {"oneOf": [handler(schema), names]}


def _as_mapping(value: object) -> object:
    if not isinstance(value, tuple | list):
        return value
    if not value:
        raise fault("`columns` is empty", "list at least one column")
    found = [FaultAt((n,), *said) for n, name in enumerate(value) for said in _not_a_name(name, value[:n])]
    if found:
        raise faults_at(found, value)
    return {name: Expression.of_column(name).text for name in value}


def _not_a_name(name: object, before: "tuple[object, ...] | list[object]") -> Iterator[tuple[str, str | None]]:
    if not isinstance(name, str):
        yield "expected the name of a column", "put it in quotes if it is one, or write `column: expression` lines"
    elif name in before:
        yield f"{shown(name)} is listed twice", "keep one of them"
    elif not 1 <= len(name.encode("utf-8", "surrogatepass")) <= 63:
        yield f"{shown(name)} is no column's name: 1 to 63 bytes", "use the name as `\\d` shows it"


class CopyRows(ChangeModel):
    """Copy rows into another table, in batches: every row that is there when it begins, once."""

    kind: ClassVar[str] = "copy_rows"

    from_: TableName = Field(
        alias="from",
        description="The table that is read, `name` or `schema.name`; a part with a dot or a quote goes in double "
        "quotes.",
        examples=TABLE_EXAMPLES,
    )
    into: TableName = Field(description="An existing table that the rows are inserted into.", examples=["people"])
    columns: Annotated[Values, _ListOfNames()] = Field(
        min_length=1,
        description="What each column of the other table gets: an SQL expression over the row's columns; or a list of "
        "columns that both tables have.",
        examples=[["id", "email"], {"id": "id", "email": "lower(email)"}],
    )
    where: Condition = Field(
        default=None,
        description="Which rows: an SQL expression over the row's columns; all of them without it.",
        examples=["active"],
    )
    on_conflict: Literal["error", "skip", "update"] = Field(
        default="error",
        description="What becomes of a row that is there already: `update` goes by the other table's primary key and "
        "sets all other columns.",
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that it is about."""
        return (self.from_, self.into)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(placed("columns", self.columns, self.where))

    @field_validator("into")
    @classmethod
    def _another_table(cls, into: TableName, info: ValidationInfo) -> TableName:
        if into == info.data.get("from_"):
            raise fault(f"the rows of {shown(str(into))} would be copied into itself", "name another table")
        return into
