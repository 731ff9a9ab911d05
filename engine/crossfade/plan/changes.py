"""The kinds of change that a plan can list. A new kind is a model here and one more member of `Change`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator
from pydantic_core import CoreSchema, core_schema

from crossfade.plan.entries import Entry, Given, OneKey
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.names import Identifier, TableName, check_identifier
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

Prose = Annotated[str, StringConstraints(strip_whitespace=True)]
Note = Annotated[Prose | None, Given()]
Condition = Annotated[Expression | None, Given()]
_NOTE = "A remark for the people who review the plan."
_TABLE_EXAMPLES = ["users", "shop.users", '"Odd.Schema"."My Table"']
# A pattern makes the JSON Schema of a mapping one of `patternProperties`, which closes it to anything else.
ColumnName = Annotated[str, AfterValidator(check_identifier), Field(json_schema_extra={"pattern": r"^[\s\S]{1,63}$"})]
Values = dict[ColumnName, Expression]
"""What columns get, by their names."""


class RenameColumn(Entry):
    """Give a column another name. Both names work until contract."""

    kind: ClassVar[str] = "rename_column"

    table: TableName = Field(
        description="The table, `name` or `schema.name`; a part with a dot or a quote goes in double quotes.",
        examples=_TABLE_EXAMPLES,
    )
    from_: Identifier = Field(
        alias="from", description="The column's name now, exactly as in the database.", examples=["email"]
    )
    to: Identifier = Field(description="The name that it gets.", examples=["email_address"])
    strategy: Literal["copy"] = Field(
        default="copy", description="How both names are served: `copy` keeps a second column equal by triggers."
    )
    note: Note = Field(default=None, description=_NOTE)

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that it is about."""
        return (self.table,)

    @field_validator("to")
    @classmethod
    def _another_name(cls, to: str, info: ValidationInfo) -> str:
        if to == info.data.get("from_"):
            raise fault(f"the column would keep its name {shown(to)}", "give the name that it should get")
        return to


class UpdateRows(Entry):
    """Change rows where they are, in batches: every row that is there when it begins, once."""

    kind: ClassVar[str] = "update_rows"

    table: TableName = Field(
        description="The table, `name` or `schema.name`; a part with a dot or a quote goes in double quotes.",
        examples=_TABLE_EXAMPLES,
    )
    set: Values = Field(
        min_length=1,
        description="What each column gets: an SQL expression over the row's columns, as they were.",
        examples=[{"email": "lower(email)"}],
    )
    where: Condition = Field(
        default=None,
        description="Which rows: an SQL expression over the row's columns; all of them without it.",
        examples=["email <> lower(email)"],
    )
    note: Note = Field(default=None, description=_NOTE)

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that it is about."""
        return (self.table,)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(_placed("set", self.set, self.where))


class DeleteRows(Entry):
    """Delete rows, in batches; they can be kept in another table."""

    kind: ClassVar[str] = "delete_rows"

    table: TableName = Field(
        description="The table, `name` or `schema.name`; a part with a dot or a quote goes in double quotes.",
        examples=_TABLE_EXAMPLES,
    )
    where: Expression = Field(
        description='Which rows: an SQL expression over the row\'s columns; "true" for all of them.',
        examples=["created_at < now() - interval '2 years'"],
    )
    archive_to: Annotated[TableName | None, Given()] = Field(
        default=None,
        description="An existing table that gets the deleted rows; it needs every column of the table.",
        examples=["users_archive"],
    )
    note: Note = Field(default=None, description=_NOTE)

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that it is about."""
        return (self.table,) if self.archive_to is None else (self.table, self.archive_to)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(_placed("", {}, self.where))

    @field_validator("archive_to")
    @classmethod
    def _another_table(cls, archive_to: TableName | None, info: ValidationInfo) -> TableName | None:
        if archive_to is not None and archive_to == info.data.get("table"):
            raise fault(f"the archive of {shown(str(archive_to))} is the table itself", "name another table")
        return archive_to


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


class CopyRows(Entry):
    """Copy rows into another table, in batches: every row that is there when it begins, once."""

    kind: ClassVar[str] = "copy_rows"

    from_: TableName = Field(
        alias="from",
        description="The table that is read, `name` or `schema.name`; a part with a dot or a quote goes in double "
        "quotes.",
        examples=_TABLE_EXAMPLES,
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
    note: Note = Field(default=None, description=_NOTE)

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that it is about."""
        return (self.from_, self.into)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(_placed("columns", self.columns, self.where))

    @field_validator("into")
    @classmethod
    def _another_table(cls, into: TableName, info: ValidationInfo) -> TableName:
        if into == info.data.get("from_"):
            raise fault(f"the rows of {shown(str(into))} would be copied into itself", "name another table")
        return into


def _placed(key: str, values: Values, where: Expression | None) -> Iterator[tuple[str, Expression]]:
    for column, expression in values.items():
        yield f"{key}.{column}", expression
    if where is not None:
        yield "where", where


Change = RenameColumn | UpdateRows | DeleteRows | CopyRows
"""Every kind of change, as a union; this is the registry."""

DataEntry = UpdateRows | DeleteRows | CopyRows
"""The kinds that change rows and no schema."""

ChangeEntry = Annotated[Change, OneKey("change")]
"""A change as the plan's list has it."""
