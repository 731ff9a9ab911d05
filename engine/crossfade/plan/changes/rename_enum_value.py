"""`rename_enum_value`."""

from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.create_enum import TYPE_NAME, Label, check_label
from crossfade.plan.changes.fields import ChangeModel
from crossfade.plan.faults import fault
from crossfade.plan.types import SqlType
from crossfade.plan.words import shown


class RenameEnumValue(ChangeModel):
    """Give a value of an enum another name, at contract. No row is touched."""

    kind: ClassVar[str] = "rename_enum_value"

    type: SqlType = Field(description=TYPE_NAME, examples=["mood", "shop.status"])
    from_: Label = Field(alias="from", description="The value, exactly as in the database.", examples=["canceled"])
    to: Label = Field(description="Its new name.", examples=["cancelled"])

    @property
    def types(self) -> tuple[SqlType, ...]:
        """The enum."""
        return (self.type,)

    @property
    def changed_types(self) -> tuple[SqlType, ...]:
        """The enum."""
        return (self.type,)

    @field_validator("to")
    @classmethod
    def _another_name(cls, to: str, info: ValidationInfo) -> str:
        if to == info.data.get("from_"):
            raise fault(f"the value is named {shown(to)} already", "write a new name for it")
        return check_label(to)
