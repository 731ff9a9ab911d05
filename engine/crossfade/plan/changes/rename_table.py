"""`rename_table`."""

from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TABLE, TABLE_EXAMPLES, ChangeModel
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier, TableName
from crossfade.plan.words import shown


class RenameTable(ChangeModel):
    """Give a table another name in its schema. Both names work until contract."""

    kind: ClassVar[str] = "rename_table"

    from_: TableName = Field(alias="from", description=TABLE, examples=TABLE_EXAMPLES)
    to: Identifier = Field(description="The name that it gets, without a schema.", examples=["accounts"])

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The table that it is about."""
        return (self.from_,)

    @property
    def takes_name_away(self) -> bool:
        """The table has another name from contract on."""
        return True

    @field_validator("to")
    @classmethod
    def _another_name(cls, to: str, info: ValidationInfo) -> str:
        table = info.data.get("from_")
        if table is not None and to == table.name:
            raise fault(f"the table would keep its name {shown(to)}", "give the name that it should get")
        return to
