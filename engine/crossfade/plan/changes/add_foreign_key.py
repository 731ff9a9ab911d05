"""`add_foreign_key`."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.add_check import CONSTRAINT, ENFORCE, FIX, Enforce
from crossfade.plan.changes.fields import TABLE, TableChange, Values, placed
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier, TableName

Action = Literal["no action", "restrict", "cascade", "set null", "set default"]
Columns = Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=32)]


class Referenced(PlanPart):
    """What a foreign key points at."""

    table: TableName = Field(description=TABLE, examples=["customers"])
    columns: Annotated[Columns | None, Given()] = Field(
        default=None, description="Its columns, in the order of the key's own; left out, its primary key."
    )


class AddForeignKey(TableChange):
    """Add a foreign key that rows, or writes of an old version, may still violate."""

    kind: ClassVar[str] = "add_foreign_key"

    name: Identifier = Field(description=CONSTRAINT, examples=["orders_customer_fkey"])
    columns: Columns = Field(description="The columns that refer.", examples=[["customer_id"]])
    references: Referenced = Field(description="What they refer to.", examples=[{"table": "customers"}])
    on_delete: Action = Field(default="no action", description="What happens when the row that is referred to goes.")
    on_update: Action = Field(default="no action", description="What happens when its key changes.")
    match: Literal["simple", "full"] = Field(
        default="simple",
        description="With `full` either none or all of several columns have to be NULL; with `simple` one is enough "
        "for the row to refer to nothing.",
    )
    deferrable: bool = Field(default=False, description="Whether a transaction may put the check off to its end.")
    initially_deferred: bool = Field(default=False, description="Whether it is put off unless a transaction says not.")
    fix: Values = Field(default={}, description=FIX, examples=[{"customer_id": "NULL"}])
    enforce: Enforce = Field(default="counted", description=ENFORCE)

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The table, and the one that it refers to."""
        return (self.table, self.references.table)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(placed("fix", self.fix, None))

    @property
    def watches_writes(self) -> bool:
        """Unless it is enforced at once."""
        return self.enforce == "counted"

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if len({*columns}) < len(columns):
            raise fault("a column that refers twice", "name each column once")
        return columns

    @field_validator("references")
    @classmethod
    def _as_many(cls, references: Referenced, info: ValidationInfo) -> Referenced:
        own, others = info.data.get("columns"), references.columns
        if own is not None and others is not None and len(own) != len(others):
            raise fault(
                f"{len(own)} columns cannot refer to {len(others)}", "write one column of that table for each column"
            )
        return references

    @field_validator("initially_deferred")
    @classmethod
    def _can_be_deferred(cls, deferred: bool, info: ValidationInfo) -> bool:
        if deferred and not info.data.get("deferrable"):
            raise fault("`initially_deferred` without `deferrable`", "write `deferrable: true` too")
        return deferred
