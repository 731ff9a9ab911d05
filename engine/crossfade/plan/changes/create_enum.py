"""`create_enum`."""

from typing import ClassVar

from pydantic import Field, field_validator

from crossfade.plan.changes.fields import ChangeModel, Comment
from crossfade.plan.faults import fault
from crossfade.plan.names import TableName
from crossfade.plan.words import shown

TYPE_NAME = "The type, `name` or `schema.name`; a part with a dot or a quote goes in double quotes."
Label = str
"""An enum's value; PostgreSQL takes up to 63 bytes, none of which is one too."""


def check_label(label: str) -> str:
    """A label that PostgreSQL takes."""
    if len(label.encode()) > 63:
        raise fault(f"the label {shown(label)} has more than 63 bytes", "choose a shorter one")
    return label


class CreateEnum(ChangeModel):
    """Make an enum type."""

    kind: ClassVar[str] = "create_enum"

    name: TableName = Field(description=TYPE_NAME, examples=["mood", "shop.status"])
    values: tuple[Label, ...] = Field(description="Its values, in their order.", examples=[["new", "paid", "sent"]])
    comment: Comment = Field(default=None, description="The type's comment.")

    @field_validator("values")
    @classmethod
    def _each_once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for n, label in enumerate(values):
            check_label(label)
            if label in values[:n]:
                raise fault(f"{shown(label)} is listed twice", "keep one of them")
        return values
