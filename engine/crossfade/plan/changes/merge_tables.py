"""`merge_tables`."""

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TABLE, TABLE_EXAMPLES, ChangeModel
from crossfade.plan.changes.moved_columns import MOST, OR_LISTED, Names, each_once
from crossfade.plan.entries import Given
from crossfade.plan.names import TableName

_Columns = Annotated[Names, Field(min_length=1, max_length=MOST), OR_LISTED]


class MergeTables(ChangeModel):
    """Make the columns of one table columns of another. Both shapes work until contract."""

    kind: ClassVar[str] = "merge_tables"

    from_: TableName = Field(alias="from", description=f"What goes. {TABLE}", examples=TABLE_EXAMPLES)
    into: TableName = Field(description=f"What stays, and gets the columns. {TABLE}", examples=TABLE_EXAMPLES)
    key: Annotated[Names, Field(min_length=1, max_length=32)] = Field(
        description="What says which rows belong together: columns of `from`, and what they are called in `into`. "
        "`from` has a foreign key over them to `into`.",
        examples=[{"user_id": "id"}],
    )
    columns: Annotated[_Columns | None, Given()] = Field(
        default=None,
        description=f"All columns of `from` but the key's, at most {MOST}; or each with its name in `into`. Without it "
        "they keep their names.",
        examples=[["bio", "avatar"], {"bio": "about"}],
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """What goes, and what stays."""
        return (self.from_, self.into)

    @property
    def takes_name_away(self) -> bool:
        """The one is gone from contract on."""
        return True

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: Names | None, info: ValidationInfo) -> Names | None:
        return columns and each_once(columns, info.data.get("key") or {})
