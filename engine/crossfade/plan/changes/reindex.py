"""`reindex`."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from crossfade.plan.changes.fields import TABLE, TABLE_EXAMPLES, ChangeModel
from crossfade.plan.changes.index_fields import INDEX, INDEX_EXAMPLES
from crossfade.plan.entries import Given
from crossfade.plan.faults import fault
from crossfade.plan.names import TableName


class Reindex(ChangeModel):
    """Build an index, or every index of a table, anew while everybody goes on."""

    kind: ClassVar[str] = "reindex"

    index: Annotated[TableName | None, Given()] = Field(default=None, description=INDEX, examples=INDEX_EXAMPLES)
    table: Annotated[TableName | None, Given()] = Field(
        default=None, description=f"{TABLE} All its indexes are built anew.", examples=TABLE_EXAMPLES
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The table, or the index, which stands for its table."""
        return tuple(name for name in (self.table, self.index) if name is not None)

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        if (self.table is None) == (self.index is None):
            raise fault("expected either an `index` or a `table`", "name the one that is to be built anew")
        return self
