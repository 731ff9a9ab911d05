"""`move_columns`."""

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TABLE, TABLE_EXAMPLES, TableChange
from crossfade.plan.changes.moved_columns import MOST, OR_LISTED, Names, each_once
from crossfade.plan.names import TableName


class MoveColumns(TableChange):
    """Move columns to another table that is there already. Both shapes work until contract."""

    kind: ClassVar[str] = "move_columns"

    to_table: TableName = Field(description=f"Where they go. {TABLE}", examples=TABLE_EXAMPLES)
    key: Annotated[Names, Field(min_length=1, max_length=32)] = Field(
        description="What says which rows belong together: columns of the table, and what they are called in the "
        "other one. One of the two tables has a foreign key over them to the other.",
        examples=[{"id": "user_id"}],
    )
    columns: Annotated[Names, OR_LISTED] = Field(
        min_length=1,
        max_length=MOST,
        description=f"The columns that move, at most {MOST}; or each with its name in the other table.",
        examples=[["bio", "avatar"], {"bio": "about"}],
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """Where they are, and where they go."""
        return (self.table, self.to_table)

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: Names, info: ValidationInfo) -> Names:
        return each_once(columns, info.data.get("key") or {})
