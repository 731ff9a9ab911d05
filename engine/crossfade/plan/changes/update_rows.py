"""`update_rows`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import Condition, TableChange, Values, placed
from crossfade.plan.expressions import Expression


class UpdateRows(TableChange):
    """Change rows where they are, in batches: every row that is there when it begins, once."""

    kind: ClassVar[str] = "update_rows"

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

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(placed("set", self.set, self.where))
