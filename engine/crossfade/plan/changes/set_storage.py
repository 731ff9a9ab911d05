"""`set_storage`."""

from typing import ClassVar, Literal

from pydantic import Field

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.names import Identifier


class SetStorage(TableChange):
    """Set how a column's long values are kept; those that are there stay as they are."""

    kind: ClassVar[str] = "set_storage"

    column: Identifier = Field(description="The column, exactly as in the database.", examples=["body"])
    storage: Literal["plain", "external", "extended", "main"] = Field(
        description="`plain` in the row, `external` outside of it, `extended` compressed and outside, `main` "
        "compressed and in the row as long as it fits."
    )
