"""`add_unique`."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from crossfade.plan.changes.fields import Condition, TableChange
from crossfade.plan.entries import Given
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier

UniqueColumns = Annotated[
    tuple[Identifier, ...],
    Field(min_length=1, max_length=32, description="The columns, in the order of the index.", examples=[["email"]]),
]


class AddUnique(TableChange):
    """Let no two rows have the same values. It is enforced at contract."""

    kind: ClassVar[str] = "add_unique"

    name: Identifier = Field(
        description="The constraint's name, and its index's; with `where` that of a unique index.",
        examples=["users_email_key"],
    )
    columns: UniqueColumns
    where: Condition = Field(
        default=None,
        description="Only among these rows. PostgreSQL has no such constraint, so it is a unique index.",
        examples=["deleted_at IS NULL"],
    )
    nulls_not_distinct: bool = Field(
        default=False, description="Whether NULL counts as equal to NULL; PostgreSQL 15 or newer."
    )
    deferrable: Annotated[Literal["immediate", "deferred"] | None, Given()] = Field(
        default=None,
        description="That a transaction may put the check off to its end: `immediate` if it says so, `deferred` unless "
        "it says otherwise.",
    )

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """The condition."""
        return (("where", self.where),) if self.where else ()

    @model_validator(mode="after")
    def _of_a_constraint(self) -> Self:
        if self.where is not None and self.deferrable is not None:
            raise fault("with `where` it is an index, and only a constraint is deferrable", "leave one of them out")
        if len(set(self.columns)) < len(self.columns):
            raise fault("a column is listed twice", "name each once")
        return self
