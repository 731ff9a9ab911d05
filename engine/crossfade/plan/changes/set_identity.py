"""`set_identity`."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier

Number = Annotated[int | None, Given()]


class SequenceOptions(PlanPart):
    """How the sequence of an identity counts; what is left out stays as it is."""

    increment: Number = Field(default=None, description="By how much; below 0 it counts down.", examples=[1])
    min_value: Number = Field(default=None, description="The least number.")
    max_value: Number = Field(default=None, description="The greatest number.")
    start: Number = Field(default=None, description="Where a restart begins.")
    cache: Number = Field(default=None, ge=1, description="How many numbers a session takes at once.", examples=[32])
    cycle: Annotated[bool | None, Given()] = Field(default=None, description="Whether it begins anew at its end.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(value is None for value in self.__dict__.values()):
            raise fault("no option of the sequence", "give one, such as `cache: 32`, or leave `sequence` out")
        if self.increment == 0:
            raise fault("`increment: 0` would give one number for ever", "write 1, or -1 to count down")
        return self


class SetIdentity(TableChange):
    """Make a column an identity column, another kind of one, or an ordinary one; or change how its sequence counts."""

    kind: ClassVar[str] = "set_identity"

    column: Identifier = Field(description="The column, exactly as in the database.", examples=["id"])
    generated: Annotated[Literal["always", "by default", "never"] | None, Given()] = Field(
        default=None,
        description="`always`: no version may write a number of its own; `by default`: it may; `never`: it has to, the "
        "column is no identity any more.",
    )
    sequence: Annotated[SequenceOptions | None, Given()] = Field(
        default=None, description="How the sequence counts, of a mapping with its options."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.generated is None and self.sequence is None:
            raise fault("nothing to set", "give `generated`, `sequence` or both")
        if self.generated == "never" and self.sequence is not None:
            raise fault("`generated: never` drops the sequence", "leave `sequence` out")
        return self
