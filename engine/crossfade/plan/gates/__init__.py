"""What a plan asks of its gates. A new kind is a model in one of these files and one more member of `Gate`.

These are the requirements as written, besides the default gates; what judges them lives in `crossfade.gates`.
"""

from collections.abc import Iterator
from typing import Annotated, get_args

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.entries import OneKey, PlanPart
from crossfade.plan.faults import FaultAt, faults_at
from crossfade.plan.gates.combined import AllOf, AnyOf, CombinedEntry, Not
from crossfade.plan.gates.counted import LegacyReads, TableActivity
from crossfade.plan.gates.database import LegacyWrites, LongTransactions, Sql, ViolatingWrites
from crossfade.plan.gates.entry import PHASES, AskedEntry, GateEntry, Mode, OutsideEntry, Phase
from crossfade.plan.gates.guards import Dependents, Parity, Replication
from crossfade.plan.gates.live import AppVersion, Strangers
from crossfade.plan.gates.outside import Exec, Http
from crossfade.plan.gates.people import Approval
from crossfade.plan.gates.when import OpenWindow, OtherPlan, Reached, Rested, Soak

__all__ = [
    "PHASES",
    "AllOf",
    "AnyOf",
    "AppVersion",
    "Approval",
    "AskedEntry",
    "CombinedEntry",
    "Dependents",
    "Exec",
    "Gate",
    "GateEntry",
    "Gates",
    "Http",
    "LegacyReads",
    "LegacyWrites",
    "LongTransactions",
    "Mode",
    "Not",
    "OpenWindow",
    "OtherPlan",
    "OutsideEntry",
    "Parity",
    "Phase",
    "Reached",
    "Replication",
    "Rested",
    "Soak",
    "Sql",
    "Strangers",
    "TableActivity",
    "ViolatingWrites",
]

Gate = (
    Approval
    | AppVersion
    | LegacyWrites
    | ViolatingWrites
    | LegacyReads
    | Strangers
    | Sql
    | Exec
    | Http
    | OpenWindow
    | Soak
    | OtherPlan
    | LongTransactions
    | TableActivity
    | Dependents
    | Replication
    | Parity
    | AllOf
    | AnyOf
    | Not
)
"""Every kind of gate, as a union; this is the registry."""

for _combined in (AllOf, AnyOf, Not):
    _combined.model_rebuild(_types_namespace={"Gate": Gate})

Place = tuple[str | int, ...]
Listed = tuple[Annotated[Gate, OneKey("gate")], ...]


class Gates(PlanPart):
    """Gates in front of each phase, besides the default ones; one of a default's kind takes its place."""

    expand: Listed = Field(default=(), description="What has to hold before expand.")
    backfill: Listed = Field(default=(), description="What has to hold before backfill.")
    contract: Listed = Field(default=(), description="What has to hold before contract.")

    def of(self, phase: Phase) -> tuple[Gate, ...]:
        """The gates in front of one phase."""
        return {"expand": self.expand, "backfill": self.backfill, "contract": self.contract}[phase]

    def placed(self) -> Iterator[tuple[Place, Gate]]:
        """Every gate, with those that it is made of after it, each with its place in this value."""
        for phase in PHASES:
            for n, gate in enumerate(self.of(phase)):
                yield from _placed((phase, n), gate)

    @field_validator("expand", "backfill", "contract")
    @classmethod
    def _fitting_and_once(cls, gates: tuple[Gate, ...], info: ValidationInfo) -> tuple[Gate, ...]:
        phase = next(p for p in PHASES if p == info.field_name)
        every = [placed for n, gate in enumerate(gates) for placed in _placed((n,), gate)]
        found = [FaultAt(place, *_unfit(gate, phase)) for place, gate in every]
        found += [
            FaultAt((*around, n), f"this `{gate.kind}` gate is listed twice before {phase}", "remove one of them")
            for around, listed in (((), gates), *(((*p, g.kind, "of"), _parts(g)) for p, g in every))
            for n, gate in enumerate(listed)
            if gate in listed[:n]
        ]
        found = [f for f in found if f.message]
        if found:
            raise faults_at(found, gates)
        return gates


def _parts(gate: Gate) -> tuple[Gate, ...]:
    return tuple(part for _, part in gate.parts) if isinstance(gate, CombinedEntry) else ()


def _placed(place: Place, gate: Gate) -> Iterator[tuple[Place, Gate]]:
    yield place, gate
    if isinstance(gate, CombinedEntry):
        for within, part in gate.parts:
            yield from _placed((*place, gate.kind, *within), part)


def _unfit(gate: Gate, phase: Phase) -> tuple[str, str]:
    if phase not in gate.phases:
        message = f"`{gate.kind}` cannot stand before {phase}: {gate.unfit}"
        return message, f"move it to `{gate.phases[0]}`"
    if isinstance(gate, Soak) and gate.since in get_args(Rested)[PHASES.index(phase) + 1 :]:
        return f"a `soak` that never ends: {phase} begins before the run is {gate.since}", "take an earlier state"
    return "", ""
