"""`change_type`."""

from typing import ClassVar, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

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

    follow_references: bool = Field(
        default=False,
        description="Give the columns that reference this one by foreign keys the same type, and those that reference "
        "them, and so on; everything changes in one moment at contract. For a key that other tables reference.",
        examples=[True],
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

    @property
    def follows_references(self) -> bool:
        """As the plan says."""
        return self.follow_references

    @model_validator(mode="after")
    def _alone(self) -> Self:
        for key in ("using", "reverse", "into"):
            if self.follow_references and getattr(self, key) is not None:
                raise fault(
                    f"`{key}` does not go with `follow_references`",
                    "the columns of a key and of its references keep their names, and their values are assigned",
                )
        return self

    @field_validator("into")
    @classmethod
    def _another_name(cls, into: str | None, info: ValidationInfo) -> str | None:
        if into is not None and into == info.data.get("column"):
            raise fault(f"the new column would have the old one's name {shown(into)}", "leave `into` out to keep it")
        return into
