"""Gates that ask whether the server's counters are at rest."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from crossfade.plan.entries import Given
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.gates.entry import AskedEntry, Phase, Span
from crossfade.plan.names import TableName

Counting = Literal["reads", "writes"]


class LegacyReads(AskedEntry):
    """No statement that names the old shape is called, as pg_stat_statements counts them."""

    kind: ClassVar[str] = "legacy_reads"
    phases: ClassVar[tuple[Phase, ...]] = ("contract",)

    stars: Literal["show", "block"] = Field(
        default="show",
        description="Statements that take every column and name none, such as `SELECT *`: `show` only lists them, "
        "`block` counts them as if they named the old one.",
    )


class TableActivity(AskedEntry):
    """The counters of a table or an index are at rest."""

    kind: ClassVar[str] = "table_activity"

    table: Annotated[TableName | None, Given()] = Field(
        default=None, description="The table, with its partitions and children.", examples=["shop.old_orders"]
    )
    index: Annotated[TableName | None, Given()] = Field(
        default=None, description="An index in place of a table, written alike.", examples=["shop.orders_by_day"]
    )
    counting: Annotated[tuple[Counting, ...] | None, Given()] = Field(
        default=None, min_length=1, description="What counts of a table: reads, writes; both if left out."
    )
    hold: Annotated[Span, Given()] = Field(
        description="How long the counters have to be at rest; a look alone says nothing.", examples=["7d"]
    )

    @property
    def counted(self) -> tuple[Counting, ...]:
        """What counts."""
        if self.index is not None:
            return ("reads",)
        return self.counting or ("reads", "writes")

    @field_validator("counting")
    @classmethod
    def _order_says_nothing(cls, counting: tuple[Counting, ...] | None) -> tuple[Counting, ...] | None:
        listed = tuple(sorted(set(counting or ())))
        # What is left out means the same.
        return None if len(listed) == 2 else listed or None

    @model_validator(mode="after")
    def _of_one_relation(self) -> Self:
        if (self.table is None) == (self.index is None):
            raise fault("expected either a `table` or an `index`", "name the one whose counters have to be at rest")
        if self.index is not None and self.counting is not None:
            message = "an index is only ever counted when it is read"
            raise faults_at([FaultAt(("counting",), message, "remove `counting`")], self)
        return self
