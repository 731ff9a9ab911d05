"""`move_table`."""

from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier
from crossfade.plan.words import shown


class MoveTable(TableChange):
    """Put a table into another schema, with its indexes and sequences. Both places work until contract."""

    kind: ClassVar[str] = "move_table"

    to_schema: Identifier = Field(description="The schema that it gets into; it exists already.", examples=["shop"])

    @property
    def takes_name_away(self) -> bool:
        """The table has another name from contract on."""
        return True

    @field_validator("to_schema")
    @classmethod
    def _another_schema(cls, to_schema: str, info: ValidationInfo) -> str:
        table = info.data.get("table")
        if table is not None and to_schema == table.schema:
            raise fault(f"the table would stay in schema {shown(to_schema)}", "give the schema that it should get into")
        return to_schema
