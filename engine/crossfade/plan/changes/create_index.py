"""`create_index`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import TABLE, TABLE_EXAMPLES
from crossfade.plan.changes.index_fields import IndexShape
from crossfade.plan.names import Identifier, TableName


class CreateIndex(IndexShape):
    """Build an index while everybody goes on."""

    kind: ClassVar[str] = "create_index"

    table: TableName = Field(description=TABLE, examples=TABLE_EXAMPLES)
    name: Identifier = Field(
        description="The index's name, without a schema: it lies in its table's.", examples=["users_email_idx"]
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The table."""
        return (self.table,)
