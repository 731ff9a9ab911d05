"""`detach_partition`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import TABLE_EXAMPLES, TableChange
from crossfade.plan.names import TableName


class DetachPartition(TableChange):
    """Make a partition a table of its own, without a pause."""

    kind: ClassVar[str] = "detach_partition"

    partition: TableName = Field(description="The partition, `name` or `schema.name`.", examples=TABLE_EXAMPLES)

    @property
    def tables(self) -> tuple[TableName, ...]:
        """Both tables."""
        return (self.table, self.partition)
