"""`drop_constraint`."""

from typing import ClassVar, Literal

from pydantic import Field

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.names import Identifier


class DropConstraint(TableChange):
    """Drop a constraint of a table; its definition is kept, so that a rollback can add it again."""

    kind: ClassVar[str] = "drop_constraint"

    name: Identifier = Field(description="The constraint's name.", examples=["orders_amount_check"])
    when: Literal["expand", "contract"] = Field(
        default="contract",
        description="`contract`: once no live version relies on it. `expand`: at once, since the new version writes "
        "what it refuses.",
    )
