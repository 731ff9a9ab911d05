"""`drop_column`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import TableChange, Value
from crossfade.plan.expressions import Expression
from crossfade.plan.names import Identifier


class DropColumn(TableChange):
    """Drop a column, once nothing live needs it; until `retain` is over it is only hidden."""

    kind: ClassVar[str] = "drop_column"

    column: Identifier = Field(description="The column, exactly as in the database.", examples=["nickname"])
    reverse: Value = Field(
        default=None,
        description="What old versions find in rows of new ones, which leave the column out: an SQL expression over "
        "the row's other columns. Needed where the column is NOT NULL and has no default.",
        examples=["split_part(email, '@', 1)"],
    )

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return () if self.reverse is None else (("reverse", self.reverse),)
