"""`create_domain`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.create_enum import TYPE_NAME
from crossfade.plan.changes.fields import ChangeModel, Comment, Name, Value
from crossfade.plan.expressions import Expression
from crossfade.plan.names import TableName
from crossfade.plan.types import SqlType


class CreateDomain(ChangeModel):
    """Make a domain: a type with a condition of its own."""

    kind: ClassVar[str] = "create_domain"

    name: TableName = Field(description=TYPE_NAME, examples=["email", "shop.price"])
    type: SqlType = Field(description="The type under it.", examples=["text", "numeric(12,2)"])
    not_null: bool = Field(default=False, description="Whether it takes no NULL.")
    default: Value = Field(default=None, description="The default of columns of it.", examples=["0"])
    check: Value = Field(
        default=None,
        description="What every value has to fulfil, an SQL expression over `value`.",
        examples=["value LIKE '%@%'"],
    )
    constraint: Name = Field(default=None, description="The name of the check; PostgreSQL chooses one without it.")
    comment: Comment = Field(default=None, description="The type's comment.")

    @property
    def types(self) -> tuple[SqlType, ...]:
        """The type under it."""
        return (self.type,)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        written = (("default", self.default), ("check", self.check))
        return tuple((place, expression) for place, expression in written if expression is not None)
