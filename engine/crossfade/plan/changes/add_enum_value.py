"""`add_enum_value`."""

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.create_enum import TYPE_NAME, Label, check_label
from crossfade.plan.changes.fields import ChangeModel
from crossfade.plan.entries import Given
from crossfade.plan.faults import fault
from crossfade.plan.types import SqlType

Neighbour = Annotated[Label | None, Given()]


class AddEnumValue(ChangeModel):
    """Add a value to an enum type. Rows can have it as soon as it is there."""

    kind: ClassVar[str] = "add_enum_value"

    type: SqlType = Field(description=TYPE_NAME, examples=["mood", "shop.status"])
    value: Label = Field(description="The new value.", examples=["refunded"])
    before: Neighbour = Field(default=None, description="The value that it stands before.", examples=["sent"])
    after: Neighbour = Field(
        default=None, description="The value that it stands behind; without either it is the last.", examples=["paid"]
    )

    @property
    def types(self) -> tuple[SqlType, ...]:
        """The enum."""
        return (self.type,)

    @field_validator("value")
    @classmethod
    def _a_label(cls, value: str) -> str:
        return check_label(value)

    @field_validator("after")
    @classmethod
    def _one_place(cls, after: str | None, info: ValidationInfo) -> str | None:
        if after is not None and info.data.get("before") is not None:
            raise fault("`before` and `after` together", "keep one of them")
        return after
