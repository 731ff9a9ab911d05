"""`set_not_null`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import TableChange, Value
from crossfade.plan.expressions import Expression
from crossfade.plan.names import Identifier


class SetNotNull(TableChange):
    """Make a column NOT NULL while an old version may go on leaving it empty."""

    kind: ClassVar[str] = "set_not_null"

    column: Identifier = Field(description="The column, exactly as in the database.", examples=["country"])
    fill: Value = Field(
        default=None,
        description="What takes the place of NULL, in rows that are there and in writes of the old version: an SQL "
        "expression over the row's columns. Without it writes of NULL are counted, and contract waits until there are "
        "none.",
        examples=["'unknown'"],
    )

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return () if self.fill is None else (("fill", self.fill),)

    @property
    def always_fills(self) -> bool:
        """Whether `fill` is a value for every row: a constant that is not NULL."""
        return self.fill is not None and self.fill.is_constant

    @property
    def watches_writes(self) -> bool:
        """Unless no write can leave a NULL."""
        return not self.always_fills
