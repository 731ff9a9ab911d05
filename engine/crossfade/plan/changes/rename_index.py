"""`rename_index`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import ChangeModel
from crossfade.plan.changes.index_fields import INDEX, INDEX_EXAMPLES
from crossfade.plan.names import Identifier, TableName


class RenameIndex(ChangeModel):
    """Give an index another name."""

    kind: ClassVar[str] = "rename_index"

    from_: TableName = Field(alias="from", description=INDEX, examples=INDEX_EXAMPLES)
    to: Identifier = Field(description="The name that it gets, without a schema.", examples=["users_email_key"])

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The index, which stands for its table."""
        return (self.from_,)

    @property
    def given_up(self) -> tuple[TableName, ...]:
        """Its name."""
        return (self.from_,)
