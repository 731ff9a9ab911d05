"""`drop_not_null`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.names import Identifier


class DropNotNull(TableChange):
    """Let a column be NULL, once no version is live that could not read it."""

    kind: ClassVar[str] = "drop_not_null"

    column: Identifier = Field(description="The column, exactly as in the database.", examples=["nickname"])
