"""`change_type`."""

from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import Name, TableChange, Value
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier
from crossfade.plan.types import SqlType
from crossfade.plan.words import shown


class ChangeType(TableChange):
    """Give a column another type: in place where PostgreSQL need not touch a row, else through a second column."""

    kind: ClassVar[str] = "change_type"

    column: Identifier = Field(description="The column, exactly as in the database.", examples=["amount"])
    to: SqlType = Field(description="The type that it gets.", examples=["bigint", "numeric(12,2)", "text"])
    using: Value = Field(
        default=None,
        description="The new value: an SQL expression over the row's columns. Without it the value is assigned, which "
        "PostgreSQL has to be able to do by itself.",
        examples=["amount::numeric / 100"],
    )
    reverse: Value = Field(
        default=None,
        description="The old value, from a row with the new one: an SQL expression over the row's columns, in which "
        "the column stands for the new value (by its new name, if it gets one). Without it the value is assigned.",
        examples=["round(amount * 100)"],
    )
    into: Name = Field(
        default=None,
        description="The name of the new column. With it both versions of the app work side by side, each with its own "
        "type; without it the column keeps its name, and every live version has to work with either type.",
        examples=["amount_numeric"],
    )

    @property
    def types(self) -> tuple[SqlType, ...]:
        """The new type."""
        return (self.to,)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        written = (("using", self.using), ("reverse", self.reverse))
        return tuple((place, expression) for place, expression in written if expression is not None)

    @property
    def tells_shapes_apart(self) -> bool:
        """With a new name, a write of the old one is seen."""
        return self.into is not None

    @field_validator("into")
    @classmethod
    def _another_name(cls, into: str | None, info: ValidationInfo) -> str | None:
        if into is not None and into == info.data.get("column"):
            raise fault(f"the new column would have the old one's name {shown(into)}", "leave `into` out to keep it")
        return into
