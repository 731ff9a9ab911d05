"""`rename_constraint`."""

from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier
from crossfade.plan.words import shown


class RenameConstraint(TableChange):
    """Give a constraint of a table another name, at contract."""

    kind: ClassVar[str] = "rename_constraint"

    from_: Identifier = Field(alias="from", description="Its name, exactly as in the database.")
    to: Identifier = Field(description="Its new name.")

    @field_validator("to")
    @classmethod
    def _another_name(cls, to: str, info: ValidationInfo) -> str:
        if to == info.data.get("from_"):
            raise fault(f"the constraint is named {shown(to)} already", "write a new name for it")
        return to
