"""What a plan asks of its gates. A new kind is a model here and one more member of `Gate`.

These are the requirements as written, besides the default gates; what judges them lives in `crossfade.gates`.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from crossfade.plan.entries import Entry, Given, OneKey, PlanPart
from crossfade.plan.faults import FaultAt, faults_at
from crossfade.plan.names import AppName

Mode = Literal["enforce", "observe"]
Phase = Literal["expand", "backfill", "contract"]
PHASES: tuple[Phase, ...] = ("expand", "backfill", "contract")


class GateEntry(Entry):
    """What every kind of gate can say."""

    phases: ClassVar[tuple[Phase, ...]] = PHASES
    """The phases that this kind can stand in front of."""

    mode: Mode = Field(
        default="enforce", description="`enforce` holds the phase back; `observe` only shows the verdict."
    )


class Approval(GateEntry):
    """A person has to approve the phase with `crossfade approve`."""

    kind: ClassVar[str] = "approval"

    role: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="Whose approval it is; shown to everyone who waits.", examples=["release-coordinator"]
    )


class AppVersion(GateEntry):
    """Every sighted instance of the apps is in the range that `new` gives."""

    kind: ClassVar[str] = "app_version"
    phases: ClassVar[tuple[Phase, ...]] = ("contract",)

    apps: Annotated[tuple[AppName, ...] | None, Given()] = Field(
        default=None, min_length=1, description="Which apps of the roster; all of them if left out.", examples=[["api"]]
    )

    @field_validator("apps")
    @classmethod
    def _order_says_nothing(cls, apps: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return apps and tuple(sorted(set(apps)))


class LegacyWrites(GateEntry):
    """Nothing has written through the old shape."""

    kind: ClassVar[str] = "legacy_writes"
    phases: ClassVar[tuple[Phase, ...]] = ("contract",)


Gate = Approval | AppVersion | LegacyWrites
"""Every kind of gate, as a union; this is the registry."""

Listed = tuple[Annotated[Gate, OneKey("gate")], ...]


class Gates(PlanPart):
    """Gates in front of each phase, besides the default ones; one of a default's kind takes its place."""

    expand: Listed = Field(default=(), description="What has to hold before expand.")
    backfill: Listed = Field(default=(), description="What has to hold before backfill.")
    contract: Listed = Field(default=(), description="What has to hold before contract.")

    def of(self, phase: Phase) -> tuple[Gate, ...]:
        """The gates in front of one phase."""
        return {"expand": self.expand, "backfill": self.backfill, "contract": self.contract}[phase]

    @field_validator("expand", "backfill", "contract")
    @classmethod
    def _fitting_and_once(cls, gates: tuple[Gate, ...], info: ValidationInfo) -> tuple[Gate, ...]:
        found = [FaultAt((n,), *_unfit(gate, gates[:n], str(info.field_name))) for n, gate in enumerate(gates)]
        found = [f for f in found if f.message]
        if found:
            raise faults_at(found, gates)
        return gates


def _unfit(gate: Gate, before: tuple[Gate, ...], phase: str) -> tuple[str, str]:
    if phase not in gate.phases:
        message = f"`{gate.kind}` cannot stand before {phase}: old versions are meant to run then"
        return message, f"move it to `{gate.phases[0]}`"
    if gate in before:
        return f"this `{gate.kind}` gate is listed twice before {phase}", "remove one of them"
    return "", ""
