"""What a plan asks of its gates. A new kind is a model here and one more member of `Gate`.

These are the requirements as written, besides the default gates; what judges them lives in `crossfade.gates`.
"""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from crossfade.plan.addresses import web_address
from crossfade.plan.durations import Between
from crossfade.plan.entries import Entry, Given, OneKey, PlanPart
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.hours import Blackouts, Hours
from crossfade.plan.names import AppName, RunName
from crossfade.plan.statements import one_select
from crossfade.plan.windows import Windows
from crossfade.plan.words import shown

Mode = Literal["enforce", "observe"]
Phase = Literal["expand", "backfill", "contract"]
PHASES: tuple[Phase, ...] = ("expand", "backfill", "contract")
Reached = Literal["planned", "expanded", "backfilled", "retained", "contracted"]
"""States of a run that a gate can ask for: those that it rests in."""
Rested = Literal["planned", "expanded", "backfilled"]
"""States of a run that a phase begins from, in the order of `PHASES`."""
_DAY = timedelta(days=1)
_Timeout = Annotated[timedelta, Between(low=timedelta(milliseconds=100), high=timedelta(minutes=10))]
_Span = Annotated[timedelta, Between(low=timedelta(seconds=1), high=90 * _DAY)]


class GateEntry(Entry):
    """What every kind of gate can say."""

    phases: ClassVar[tuple[Phase, ...]] = PHASES
    """The phases that this kind can stand in front of."""

    mode: Mode = Field(
        default="enforce", description="`enforce` holds the phase back; `observe` only shows the verdict."
    )
    hold: Annotated[Annotated[timedelta, Between(low=timedelta(0), high=90 * _DAY)] | None, Given()] = Field(
        default=None,
        description="How long it has to pass without a break; left out, the plan's `hold` for `app_version` and "
        "`legacy_writes`, and not at all for others.",
        examples=["15m"],
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


class Sql(GateEntry):
    """A query gives true."""

    kind: ClassVar[str] = "sql"

    query: Annotated[str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(one_select)] = Field(
        description="One SELECT of one row with one boolean; it runs read-only, with the search path `pg_catalog`.",
        examples=["SELECT count(*) = 0 FROM public.import_queue"],
    )
    timeout: _Timeout = Field(default=timedelta(seconds=5), description="How long it may take.")


class OutsideEntry(GateEntry):
    """A kind whose evidence is not in the database."""

    timeout: _Timeout = Field(default=timedelta(seconds=5), description="How long it may take.")


class Exec(OutsideEntry):
    """A command ends with exit code 0."""

    kind: ClassVar[str] = "exec"

    command: tuple[Annotated[str, StringConstraints(max_length=10_000)], ...] = Field(
        min_length=1,
        description="The program and its arguments, run without a shell, where crossfade runs.",
        examples=[["./ci/is-deployed", "api", "2.0.0"]],
    )
    timeout: _Timeout = Field(default=timedelta(seconds=30), description="How long it may take.")

    @field_validator("command")
    @classmethod
    def _names_a_program(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        nul = [n for n, word in enumerate(command) if "\0" in word]
        if nul:
            raise faults_at([FaultAt((n,), "a zero byte", "remove it") for n in nul], command)
        if not command[0].strip():
            raise faults_at([FaultAt((0,), "an empty program name", "write the program's name or path")], command)
        return command


class Http(OutsideEntry):
    """An address answers as it should."""

    kind: ClassVar[str] = "http"

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(web_address)] = Field(
        description="Where to send a GET request; redirects are not followed.",
        examples=["https://status.example.com/api/ready"],
    )
    status: Annotated[int, Field(ge=100, le=599)] = Field(default=200, description="The status that passes.")
    path: Annotated[Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None, Given()] = Field(
        default=None,
        description="Names and positions, with dots between, of a value in the answer's JSON.",
        examples=["checks.0.ready"],
    )
    equals: Annotated[str | bool | int | None, Given()] = Field(
        default=None, description="What that value has to be; true if left out.", examples=["green"]
    )

    @property
    def wanted(self) -> str | bool | int:
        """What the value at `path` has to be."""
        return True if self.equals is None else self.equals

    @field_validator("equals", mode="before")
    @classmethod
    def _can_be_compared(cls, equals: object) -> object:
        if equals is not None and not isinstance(equals, str | bool | int):
            raise fault(f"expected a text, a whole number, true or false; got {shown(equals)}", "write one of these")
        return equals

    @field_validator("equals")
    @classmethod
    def _of_a_value(cls, equals: str | bool | int | None, info: ValidationInfo) -> str | bool | int | None:
        if "path" in info.data and info.data["path"] is None:
            raise fault("`equals` without the `path` of a value; the status alone would pass", "add `path`")
        # What is left out means the same.
        return None if equals is True else equals


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
    for_: _Span = Field(alias="for", description="For how long.", examples=["24h"])


class OtherPlan(GateEntry):
    """Another run has come to a state."""

    kind: ClassVar[str] = "plan"

    name: RunName = Field(description="The other run's name.", examples=["users-email-address"])
    state: Reached = Field(default="contracted", description="The state that it has to have reached.")


class LongTransactions(GateEntry):
    """No transaction is open for long."""

    kind: ClassVar[str] = "long_transactions"

    older_than: _Span = Field(
        default=timedelta(minutes=1), description="A transaction that is open for longer blocks, a prepared one too."
    )


Gate = Approval | AppVersion | LegacyWrites | Sql | Exec | Http | OpenWindow | Soak | OtherPlan | LongTransactions
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
        phase = next(p for p in PHASES if p == info.field_name)
        found = [FaultAt((n,), *_unfit(gate, gates[:n], phase)) for n, gate in enumerate(gates)]
        found = [f for f in found if f.message]
        if found:
            raise faults_at(found, gates)
        return gates


def _unfit(gate: Gate, before: tuple[Gate, ...], phase: Phase) -> tuple[str, str]:
    if phase not in gate.phases:
        message = f"`{gate.kind}` cannot stand before {phase}: old versions are meant to run then"
        return message, f"move it to `{gate.phases[0]}`"
    if isinstance(gate, Soak) and gate.since in get_args(Rested)[PHASES.index(phase) + 1 :]:
        return f"a `soak` that never ends: {phase} begins before the run is {gate.since}", "take an earlier state"
    if gate in before:
        return f"this `{gate.kind}` gate is listed twice before {phase}", "remove one of them"
    return "", ""
