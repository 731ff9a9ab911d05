"""`add_check`."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from crossfade.plan.changes.fields import TableChange, Values, placed
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier

Enforce = Literal["counted", "now"]
ENFORCE = (
    "`counted`: until contract nobody is refused, and writes that the constraint would refuse are counted, which the "
    "gate `violating_writes` waits for. `now`: such writes fail from expand on."
)
FIX = (
    "What columns of a row that violates the constraint get in backfill: SQL expressions over the row's columns, by "
    "column. Without it such rows have to be repaired before contract."
)
CONSTRAINT = "The constraint's name."


class AddCheck(TableChange):
    """Add a CHECK constraint that rows, or writes of an old version, may still violate."""

    kind: ClassVar[str] = "add_check"

    name: Identifier = Field(description=CONSTRAINT, examples=["orders_amount_positive"])
    expression: Expression = Field(
        description="What has to hold: an SQL expression over the row's columns; NULL counts as true.",
        examples=["amount > 0"],
    )
    fix: Values = Field(default={}, description=FIX, examples=[{"amount": "abs(amount)"}])
    enforce: Enforce = Field(default="counted", description=ENFORCE)
    no_inherit: bool = Field(default=False, description="Whether inheritance children are left out.")

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return (("expression", self.expression), *placed("fix", self.fix, None))

    @property
    def watches_writes(self) -> bool:
        """Unless it is enforced at once."""
        return self.enforce == "counted"

    @field_validator("expression")
    @classmethod
    def _of_a_row(cls, expression: Expression) -> Expression:
        if not expression.columns:
            raise fault("a condition that names no column", "write what has to hold of each row, such as `amount > 0`")
        return expression
