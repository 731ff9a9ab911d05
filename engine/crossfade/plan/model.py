"""The plan as a value: what an engineer wrote, checked and typed. `load` makes it from a file.

The models are the single source: the JSON Schema, the known keys and the messages come from them. All are frozen and
strict, and refuse keys that they do not know. An option that this version cannot honour is not in the model.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, ValidationInfo, field_validator

from crossfade.plan.apps import App
from crossfade.plan.changes import Change, ChangeEntry, DataEntry, Prose
from crossfade.plan.durations import Between, format_duration
from crossfade.plan.entries import Given, PlanPart, with_tuples
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.gates import AppVersion, Gates, OtherPlan, Strangers
from crossfade.plan.hours import Blackouts, Deadline, Hours
from crossfade.plan.ignore import Ignored, IgnoreList
from crossfade.plan.migrations import Covered
from crossfade.plan.names import AppName, RunName
from crossfade.plan.notify import Targets
from crossfade.plan.schedule import Schedule
from crossfade.plan.sizes import Size, SizeBetween
from crossfade.plan.throttles import Throttles
from crossfade.plan.windows import Windows
from crossfade.plan.words import nearest, shown

_DAY = timedelta(days=1)
LONGEST_SCHEDULED = 63 - len("-20261126t223000z")
"""Characters of the name of a plan with a schedule: its runs are named for it and their time."""


class Aim(NamedTuple):
    """What is wanted of a batch: seconds, and rows at least and at most."""

    target: float
    smallest: int
    largest: int


class Backfill(Throttles):
    """How rows are migrated.

    Every key but `verify` and `updated_at` can be changed while it runs: `crossfade tune`.
    """

    batch_rows: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1000, description="How many rows one transaction migrates to begin with; it adapts to `target`."
    )
    min_rows: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=10, description="A batch never gets smaller than this by itself, unless one ran into its time-out."
    )
    max_rows: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=50_000, description="A batch never gets larger than this."
    )
    target: Annotated[timedelta, Between(low=timedelta(milliseconds=10), high=timedelta(minutes=1))] = Field(
        default=timedelta(milliseconds=50), description="How long one batch should take."
    )
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="How many batches one process has in work at a time, each on a connection of its own."
    )
    nice: Annotated[float, Field(ge=0, le=100)] = Field(
        default=0.0, description="How long to rest after a batch, in times of how long it took."
    )
    rows_per_second: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="No more rows a second of one table or partition than this, over all workers and hosts.",
    )
    wal_per_second: Annotated[Size, SizeBetween(low=Size(1024**2), high=Size(1024**4))] | None = Field(
        default=None,
        description="Rest so long that the server writes no more WAL a second than this while batches run; what others "
        "write in that time counts too.",
    )
    window: Windows | None = Field(
        default=None, description="When batches may run: a window, or several; outside of them the phase stops."
    )
    blackout: Blackouts | None = Field(
        default=None, description="Days or spans of time in which no batch runs, whatever the window says."
    )
    deadline: Deadline | None = Field(default=None, description="The instant from which no batch runs any more.")
    updated_at: Literal["keep", "touch"] = Field(
        default="keep",
        description="Whether columns that a trigger sets to the present time, such as `updated_at`, keep their value "
        "in rows that the backfill writes.",
    )
    verify: Annotated[str, StringConstraints(pattern=r"^(full|[1-9][0-9]?%)$")] = Field(
        default="full",
        description="How much of each table is read when both sides are compared: `full`, or a sample such as `5%`.",
        examples=["full", "5%"],
    )
    keep_row: bool = Field(
        default=False, description="Keep a copy of each row that is refused in the ledger, with all its values."
    )

    @property
    def aim(self) -> Aim:
        """What is wanted of a batch."""
        return Aim(target=self.target / timedelta(seconds=1), smallest=self.min_rows, largest=self.max_rows)

    @property
    def verified_share(self) -> float:
        """The share of each table that is read to compare both sides."""
        return 1.0 if self.verify == "full" else int(self.verify.rstrip("%")) / 100

    @property
    def hours(self) -> Hours:
        """When batches may run."""
        return Hours(self.window or (), self.blackout or (), self.deadline)

    @field_validator("max_rows")
    @classmethod
    def _room_between(cls, max_rows: int, info: ValidationInfo) -> int:
        smallest = info.data.get("min_rows", max_rows)
        if max_rows < smallest:
            raise fault(f"`max_rows` of {max_rows} is less than `min_rows` of {smallest}", "make it larger")
        return max_rows

    def tuned(self, tuning: dict[str, Any]) -> Self:
        """With what was changed while it runs, by key as a plan writes it. Raises pydantic's ValidationError."""
        return self.model_validate({**self.model_dump(mode="json", by_alias=True, exclude_none=True), **tuning})


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
    ignore: IgnoreList = Field(default=(), description="Who may be connected although the roster does not list it.")
    changes: tuple[ChangeEntry, ...] = Field(min_length=1, description="The changes, in order; one kind per entry.")
    migrations: Annotated[Covered | None, Given()] = Field(
        default=None,
        min_length=1,
        description="The migrations of another tool that the plan does the work of; the run writes their rows into the "
        "tool's history.",
    )
    backfill: Backfill = Field(default=Backfill(), description="How rows are migrated.")
    schedule: Annotated[Schedule | None, Given()] = Field(
        default=None, description="When the plan runs again and again; each firing is a run of its own."
    )
    gates: Gates = Field(default=Gates(), description="What else has to hold before a phase begins.")
    locks: Locks = Field(default=Locks(), description="How long to wait for locks.")
    hold: Annotated[timedelta, Between(low=timedelta(0), high=90 * _DAY)] = Field(
        default=timedelta(minutes=10), description="How long the default contract gates have to pass without a break."
    )
    retain: Annotated[timedelta, Between(low=timedelta(0), high=365 * _DAY)] = Field(
        default=timedelta(0), description="How long contract keeps the old data before it is dropped."
    )
    notify: Targets = Field(default=(), description="Who is told of what happens to the run.")

    def as_json(self) -> dict[str, Any]:
        """The plan as a JSON document, defaults written out; `from_json` reads it back."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """A plan that was stored with `as_json`."""
        return cls.model_validate(with_tuples(document))

    @field_validator("crossfade", mode="before")
    @classmethod
    def _format(cls, value: object) -> object:
        if type(value) is not int or value != 1:
            raise fault(
                "this version of crossfade reads the plan format 1 only",
                "write `crossfade: 1`, a number without quotes",
            )
        return value

    @field_validator("ignore")
    @classmethod
    def _of_a_roster(cls, ignore: tuple[Ignored, ...], info: ValidationInfo) -> tuple[Ignored, ...]:
        if ignore and "apps" in info.data and info.data["apps"] is None:
            raise fault(
                "`ignore` is about who is not in the roster, and the plan has no `apps`", "list the apps under `apps`"
            )
        return ignore

    @field_validator("changes")
    @classmethod
    def _schema_or_data(cls, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        of_data = [isinstance(change, DataEntry) for change in changes]
        if of_data and any(of_data) and not all(of_data):
            n = of_data.index(not of_data[0])
            what, before = ("data", "the schema") if of_data[n] else ("the schema", "data")
            message = f"`{changes[n].kind}` changes {what}, and `{changes[0].kind}` before it {before}"
            raise faults_at(
                [FaultAt((n,), message, "a plan does one or the other: put it in a plan of its own")], changes
            )
        return changes

    @field_validator("schedule")
    @classmethod
    def _only_of_data(cls, schedule: Schedule | None, info: ValidationInfo) -> Schedule | None:
        changes, name = info.data.get("changes"), info.data.get("name", "")
        if schedule is not None and changes and not isinstance(changes[0], DataEntry):
            raise fault(
                f"`{changes[0].kind}` changes the schema, which is done once: such a plan has no schedule",
                "remove `schedule`; what changes rows again and again is a plan of its own",
            )
        if schedule is not None and len(name) > LONGEST_SCHEDULED:
            raise fault(
                f"the name of a plan with a schedule has up to {LONGEST_SCHEDULED} characters, since its runs are "
                f"named for it and the time; {shown(name)} has {len(name)}",
                "give it a shorter name",
            )
        return schedule

    @field_validator("schedule")
    @classmethod
    def _not_recorded_again(cls, schedule: Schedule | None, info: ValidationInfo) -> Schedule | None:
        if schedule is not None and info.data.get("migrations"):
            raise fault(
                "a migration is recorded once, and a plan with a schedule runs again and again",
                "remove `schedule`, or take `migrations` out",
            )
        return schedule

    @field_validator("gates")
    @classmethod
    def _apps_of_the_roster(cls, gates: Gates, info: ValidationInfo) -> Gates:
        if "apps" not in info.data:
            return gates
        roster = info.data["apps"] or {}
        found = [
            FaultAt((*place, gate.kind, *within), *said)
            for place, gate in gates.placed()
            if isinstance(gate, AppVersion | Strangers)
            for within, said in _not_listed(gate, roster)
        ]
        if found:
            raise faults_at(found, gates)
        return gates

    @field_validator("gates")
    @classmethod
    def _not_for_itself(cls, gates: Gates, info: ValidationInfo) -> Gates:
        found = [
            FaultAt((*place, gate.kind, "name"), "a plan that waits for itself", "name another plan")
            for place, gate in gates.placed()
            if isinstance(gate, OtherPlan) and gate.name == info.data.get("name")
        ]
        if found:
            raise faults_at(found, gates)
        return gates


def _not_listed(
    gate: AppVersion | Strangers, roster: dict[str, App]
) -> list[tuple[tuple[str | int, ...], tuple[str, str]]]:
    if not roster:
        return [((), (f"`{gate.kind}` needs the roster, and the plan has no `apps`", "list the apps under `apps`"))]
    if isinstance(gate, Strangers):
        return []
    return [
        (("apps", app), (f"{shown(app)} is not in the roster", nearest(app, roster) or "list it under `apps`"))
        for app in gate.apps or ()
        if app not in roster
    ]
