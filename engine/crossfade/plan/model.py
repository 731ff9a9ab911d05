"""The plan as a value: what an engineer wrote, checked and typed. `load` makes it from a file.

The models are the single source: the JSON Schema, the known keys and the messages come from them. All are frozen and
strict, and refuse keys that they do not know. An option that this version cannot honour is not in the model.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.apps import App
from crossfade.plan.changes import ChangeEntry, Prose
from crossfade.plan.durations import Between, format_duration
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.gates import PHASES, AppVersion, Gates
from crossfade.plan.names import AppName, RunName
from crossfade.plan.windows import Window
from crossfade.plan.words import nearest, shown

_DAY = timedelta(days=1)


class Backfill(PlanPart):
    """How rows are migrated."""

    batch_rows: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="How many rows one transaction migrates to begin with; it adapts to `target`."
    )
    target: Annotated[timedelta, Between(low=timedelta(milliseconds=10), high=timedelta(minutes=1))] = Field(
        default=timedelta(milliseconds=50), description="How long one batch should take."
    )
    workers: Literal[1] = Field(default=1, description="How many batches are in work at a time; one, for now.")
    window: Window | None = Field(
        default=None, description="When batches may run, every day; outside of it the phase stops."
    )
    max_replica_lag: Annotated[timedelta, Between(low=timedelta(milliseconds=100), high=_DAY)] | None = Field(
        default=None, description="Wait while any streaming replica replays later than this."
    )


class Locks(PlanPart):
    """How long to wait for a lock on a table that others use."""

    timeout: Annotated[timedelta, Between(low=timedelta(milliseconds=1), high=timedelta(seconds=10))] = Field(
        default=timedelta(milliseconds=50), description="How long one attempt may hold up others."
    )
    give_up_after: Annotated[timedelta, Between(low=timedelta(milliseconds=1), high=_DAY)] = Field(
        default=timedelta(minutes=5), description="How long all attempts of a step may take together."
    )

    @field_validator("give_up_after")
    @classmethod
    def _at_least_one_attempt(cls, give_up_after: timedelta, info: ValidationInfo) -> timedelta:
        timeout = info.data.get("timeout", give_up_after)
        if give_up_after < timeout:
            raise fault(
                f"`give_up_after` of {format_duration(give_up_after)} is shorter than one attempt, `timeout`, "
                f"of {format_duration(timeout)}",
                "make it longer",
            )
        return give_up_after


class Plan(PlanPart):
    """A named, reviewed change of a PostgreSQL schema that Crossfade carries out."""

    crossfade: Literal[1] = Field(description="The plan format.", examples=[1])
    name: RunName = Field(description="The run's name, unique in the ledger.", examples=["users-email-address"])
    description: Annotated[Prose | None, Given()] = Field(default=None, description="What the change is for.")
    apps: Annotated[dict[AppName, App] | None, Given()] = Field(
        default=None,
        min_length=1,
        description="The roster: every app that uses these tables, by the name it reports. "
        "Without it, contract needs an approval.",
    )
    changes: tuple[ChangeEntry, ...] = Field(min_length=1, description="The changes, in order; one kind per entry.")
    backfill: Backfill = Field(default=Backfill(), description="How rows are migrated.")
    gates: Gates = Field(default=Gates(), description="What else has to hold before a phase begins.")
    locks: Locks = Field(default=Locks(), description="How long to wait for locks.")
    hold: Annotated[timedelta, Between(low=timedelta(0), high=90 * _DAY)] = Field(
        default=timedelta(minutes=10), description="How long the default contract gates have to pass without a break."
    )
    retain: Annotated[timedelta, Between(low=timedelta(0), high=365 * _DAY)] = Field(
        default=timedelta(0), description="How long contract keeps the old data before it is dropped."
    )

    def as_json(self) -> dict[str, Any]:
        """The plan as a JSON document, defaults written out; `from_json` reads it back."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """A plan that was stored with `as_json`."""
        return cls.model_validate(_with_tuples(document))

    @field_validator("crossfade", mode="before")
    @classmethod
    def _format(cls, value: object) -> object:
        if type(value) is not int or value != 1:
            raise fault(
                "this version of crossfade reads the plan format 1 only",
                "write `crossfade: 1`, a number without quotes",
            )
        return value

    @field_validator("gates")
    @classmethod
    def _apps_of_the_roster(cls, gates: Gates, info: ValidationInfo) -> Gates:
        if "apps" not in info.data:
            return gates
        roster = info.data["apps"] or {}
        found = [
            FaultAt((phase, n, gate.kind, *place), *said)
            for phase in PHASES
            for n, gate in enumerate(gates.of(phase))
            if isinstance(gate, AppVersion)
            for place, said in _strangers(gate, roster)
        ]
        if found:
            raise faults_at(found, gates)
        return gates


def _with_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_tuples(inner) for key, inner in value.items()}
    return tuple(_with_tuples(inner) for inner in value) if isinstance(value, list) else value


def _strangers(gate: AppVersion, roster: dict[str, App]) -> list[tuple[tuple[str | int, ...], tuple[str, str]]]:
    if not roster:
        return [((), ("`app_version` needs the roster, and the plan has no `apps`", "list the apps under `apps`"))]
    return [
        (("apps", app), (f"{shown(app)} is not in the roster", nearest(app, roster) or "list it under `apps`"))
        for app in gate.apps or ()
        if app not in roster
    ]
