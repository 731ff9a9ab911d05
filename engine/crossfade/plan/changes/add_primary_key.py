"""`add_primary_key`."""

from typing import ClassVar

from pydantic import Field, field_validator

from crossfade.plan.changes.add_unique import UniqueColumns
from crossfade.plan.changes.fields import TableChange
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier


class AddPrimaryKey(TableChange):
    """Give a table a primary key. It is enforced at contract."""

    kind: ClassVar[str] = "add_primary_key"

    name: Identifier = Field(description="The constraint's name, and its index's.", examples=["users_pkey"])
    columns: UniqueColumns

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(columns)) < len(columns):
            raise fault("a column is listed twice", "name each once")
        return columns
