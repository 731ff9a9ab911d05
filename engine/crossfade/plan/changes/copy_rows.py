"""`copy_rows`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TABLE_EXAMPLES, ChangeModel, Condition, Values, placed
from crossfade.plan.changes.listed_columns import ListOfNames
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import TableName
from crossfade.plan.words import shown


def _of_itself(name: str) -> str:
    return Expression.of_column(name).text


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
    columns: Annotated[Values, ListOfNames(each=_of_itself, line="column: expression")] = Field(
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
