"""`drop_index`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import ChangeModel
from crossfade.plan.changes.index_fields import INDEX, INDEX_EXAMPLES
from crossfade.plan.names import TableName


class DropIndex(ChangeModel):
    """Drop an index, once nothing has read it for as long as the gates have to hold."""

    kind: ClassVar[str] = "drop_index"

    name: TableName = Field(description=INDEX, examples=INDEX_EXAMPLES)

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The index, which stands for its table."""
        return (self.name,)

    @property
    def given_up(self) -> tuple[TableName, ...]:
        """Its name."""
        return (self.name,)

    @property
    def resting_indexes(self) -> tuple[TableName, ...]:
        """The index itself."""
        return (self.name,)
