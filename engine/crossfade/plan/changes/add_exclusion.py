"""`add_exclusion`."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from crossfade.plan.changes.fields import Condition, Name, TableChange
from crossfade.plan.changes.index_fields import ObjectName
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier


class Excluding(PlanPart):
    """One element of an exclusion constraint: what is compared, and how."""

    column: Name = Field(default=None, description="A column.", examples=["room"])
    expression: Annotated[Expression | None, Given()] = Field(
        default=None,
        description="An SQL expression over the row's columns in place of a column.",
        examples=["tstzrange(begins, ends)"],
    )
    operator: Annotated[str, StringConstraints(pattern=r"^[-+*/<>=~!@#%^&|`?]{1,63}$")] = Field(
        description="The operator that must not be true between any two rows, for every element at once.",
        examples=["=", "&&"],
    )
    opclass: ObjectName = Field(default=None, description="An operator class other than the type's default.")

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        if (self.column is None) == (self.expression is None):
            raise fault("expected either a `column` or an `expression`", "write the one that is compared")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it uses."""
        return (self.column,) if self.column is not None else self.expression.columns if self.expression else ()


class AddExclusion(TableChange):
    """Let no two rows exclude each other. PostgreSQL builds it while reads and writes wait, so only on small tables."""

    kind: ClassVar[str] = "add_exclusion"

    name: Identifier = Field(description="The constraint's name, and its index's.", examples=["bookings_overlap"])
    elements: tuple[Excluding, ...] = Field(
        min_length=1, max_length=32, description="What is compared, and how: two rows must differ in one of them."
    )
    method: Identifier = Field(default="gist", description="The access method of its index.")
    where: Condition = Field(default=None, description="Only among these rows.", examples=["NOT cancelled"])
    deferrable: Annotated[Literal["immediate", "deferred"] | None, Given()] = Field(
        default=None,
        description="That a transaction may put the check off to its end: `immediate` if it says so, `deferred` unless "
        "it says otherwise.",
    )
    allow_blocking: bool = Field(
        default=False, description="Whether a table of more than 8 MB may stand still while the index is built."
    )

    @property
    def used_columns(self) -> tuple[str, ...]:
        """Every column that it uses, each once."""
        where = self.where.columns if self.where else ()
        return tuple(dict.fromkeys((*(c for e in self.elements for c in e.columns), *where)))

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        elements = tuple((f"elements.{n}", e.expression) for n, e in enumerate(self.elements) if e.expression)
        return (*elements, *((("where", self.where),) if self.where else ()))
