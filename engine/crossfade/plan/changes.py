"""The kinds of change that a plan can list. A new kind is a model here and one more member of `Change`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from crossfade.plan.entries import Entry, Given, OneKey
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier, TableName
from crossfade.plan.words import shown

Prose = Annotated[str, StringConstraints(strip_whitespace=True)]


class RenameColumn(Entry):
    """Give a column another name. Both names work until contract."""

    kind: ClassVar[str] = "rename_column"

    table: TableName = Field(
        description="The table, `name` or `schema.name`; a part with a dot or a quote goes in double quotes.",
        examples=["users", "shop.users", '"Odd.Schema"."My Table"'],
    )
    from_: Identifier = Field(
        alias="from", description="The column's name now, exactly as in the database.", examples=["email"]
    )
    to: Identifier = Field(description="The name that it gets.", examples=["email_address"])
    strategy: Literal["copy"] = Field(
        default="copy", description="How both names are served: `copy` keeps a second column equal by triggers."
    )
    note: Annotated[Prose | None, Given()] = Field(
        default=None, description="A remark for the people who review the plan."
    )

    @field_validator("to")
    @classmethod
    def _another_name(cls, to: str, info: ValidationInfo) -> str:
        if to == info.data.get("from_"):
            raise fault(f"the column would keep its name {shown(to)}", "give the name that it should get")
        return to


Change = RenameColumn
"""Every kind of change, as a union; this is the registry."""

ChangeEntry = Annotated[Change, OneKey("change")]
"""A change as the plan's list has it."""
