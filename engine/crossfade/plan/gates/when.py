"""Gates that ask whether it is time: by the clock, by how long the run has rested, by another run."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from crossfade.plan.entries import Given
from crossfade.plan.faults import fault
from crossfade.plan.gates.entry import GateEntry, Span
from crossfade.plan.hours import Blackouts, Hours
from crossfade.plan.names import RunName
from crossfade.plan.windows import Windows

Reached = Literal["planned", "expanded", "backfilled", "retained", "contracted"]
"""States of a run that a gate can ask for: those that it rests in."""
Rested = Literal["planned", "expanded", "backfilled"]
"""States of a run that a phase begins from, in the order of `PHASES`."""


class OpenWindow(GateEntry):
    """It is a time at which the phase may begin."""

    kind: ClassVar[str] = "window"

    open: Annotated[Windows | None, Given()] = Field(
        default=None, description="When it may: a window, or several.", examples=["mon-thu 09:00-16:00 Europe/Paris"]
    )
    freeze: Annotated[Blackouts | None, Given()] = Field(
        default=None, description="When it may not, whatever `open` says.", examples=["2026-12-20..2027-01-02 UTC"]
    )

    @property
    def hours(self) -> Hours:
        """When it passes."""
        return Hours(self.open or (), self.freeze or ())

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.open is None and self.freeze is None:
            raise fault("a `window` that is always open", "write `open`, `freeze` or both")
        return self


class Soak(GateEntry):
    """The run has rested in a state for a while."""

    kind: ClassVar[str] = "soak"

    since: Annotated[Rested | None, Given()] = Field(
        default=None, description="The state; left out, the one that the phase begins from.", examples=["backfilled"]
    )
    for_: Span = Field(alias="for", description="For how long.", examples=["24h"])


class OtherPlan(GateEntry):
    """Another run has come to a state."""

    kind: ClassVar[str] = "plan"

    name: RunName = Field(description="The other run's name.", examples=["users-email-address"])
    state: Reached = Field(default="contracted", description="The state that it has to have reached.")
