"""`set_default`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.expressions import Expression
from crossfade.plan.names import Identifier


class SetDefault(TableChange):
    """Give a column another DEFAULT, for rows that are inserted from then on."""

    kind: ClassVar[str] = "set_default"

    column: Identifier = Field(description="The column, exactly as in the database.", examples=["status"])
    value: Expression = Field(description="The default, an SQL expression.", examples=["'new'", "gen_random_uuid()"])

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return (("value", self.value),)
