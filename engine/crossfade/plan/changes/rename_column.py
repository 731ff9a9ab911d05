"""`rename_column`."""

from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier
from crossfade.plan.words import shown


class RenameColumn(TableChange):
    """Give a column another name. Both names work until contract."""

    kind: ClassVar[str] = "rename_column"

    from_: Identifier = Field(
        alias="from", description="The column's name now, exactly as in the database.", examples=["email"]
    )
    to: Identifier = Field(description="The name that it gets.", examples=["email_address"])
    strategy: Literal["copy", "alias"] = Field(
        default="copy",
        description="How both names are served: `copy` keeps a second column equal by triggers; `alias` puts a view "
        "with both names in the place of the table, and touches no row.",
    )

    @property
    def tells_shapes_apart(self) -> bool:
        """With a copy, a write of the old name is seen."""
        return self.strategy == "copy"

    @property
    def takes_name_away(self) -> bool:
        """As an alias, the table steps aside meanwhile."""
        return self.strategy == "alias"

    @property
    def stands_alone(self) -> bool:
        """As an alias, since the view would not show what others do to the table."""
        return self.strategy == "alias"

    @field_validator("to")
    @classmethod
    def _another_name(cls, to: str, info: ValidationInfo) -> str:
        if to == info.data.get("from_"):
            raise fault(f"the column would keep its name {shown(to)}", "give the name that it should get")
        return to
