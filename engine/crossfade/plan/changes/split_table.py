"""`split_table`."""

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.changes.moved_columns import MOST, OR_LISTED, Names, each_once
from crossfade.plan.names import Identifier


class SplitTable(TableChange):
    """Move columns to a new table, with a row there for each row here. Both shapes work until contract."""

    kind: ClassVar[str] = "split_table"

    to_table: Identifier = Field(
        description="The new table's name; it is made in the same schema.", examples=["profiles"]
    )
    key: Annotated[Names, Field(min_length=1, max_length=32)] = Field(
        description="What says which rows belong together: columns of the table that are unique and NOT NULL, and "
        "their names in the new one.",
        examples=[{"id": "user_id"}],
    )
    columns: Annotated[Names, OR_LISTED] = Field(
        min_length=1,
        max_length=MOST,
        description=f"The columns that move, at most {MOST}; or each with its name in the new table.",
        examples=[["bio", "avatar"], {"bio": "about"}],
    )

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: Names, info: ValidationInfo) -> Names:
        return each_once(columns, info.data.get("key") or {})
