"""`replace_index`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.index_fields import INDEX, INDEX_EXAMPLES, IndexShape
from crossfade.plan.names import TableName


class ReplaceIndex(IndexShape):
    """Give an index another definition under the same name: the new one is built beside it."""

    kind: ClassVar[str] = "replace_index"

    name: TableName = Field(description=INDEX, examples=INDEX_EXAMPLES)

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The index, which stands for its table."""
        return (self.name,)
