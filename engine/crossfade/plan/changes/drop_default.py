"""`drop_default`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.names import Identifier


class DropDefault(TableChange):
    """Take a column's DEFAULT away, once no version is live that relies on it."""

    kind: ClassVar[str] = "drop_default"

    column: Identifier = Field(description="The column, exactly as in the database.", examples=["status"])
