"""`set_statistics`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.names import Identifier

Target = Annotated[int, Field(ge=0, le=10_000)] | Literal["default"]


class SetStatistics(TableChange):
    """Set how closely the planner looks at a column; the next ANALYZE goes by it."""

    kind: ClassVar[str] = "set_statistics"

    column: Identifier = Field(description="The column, exactly as in the database.", examples=["email"])
    target: Target = Field(
        description="The statistics target, 0 to 10000, or `default` for the server's.", examples=[500]
    )
