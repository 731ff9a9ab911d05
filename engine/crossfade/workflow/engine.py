"""The engine: crossfade as a Python API, one method for each command.

Results are frozen values, failures are the error family. The command line is a thin layer over this class.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import psycopg

from crossfade.backfill.rehearsal import Rehearsal
from crossfade.errors import Interrupted, UsageError, WrongState
from crossfade.gates import app_version, approval, fence, overrides, sightings
from crossfade.gates.evaluate import evaluate, glance
from crossfade.gates.fence import Answer
from crossfade.gates.phase_gates import describe, gates_of
from crossfade.gates.subject import Look, Subject
from crossfade.gates.verdict import PhaseVerdict
from crossfade.migrations.migration import Project
from crossfade.notify.notifier import Notifier
from crossfade.observe.events import Emit
from crossfade.observe.events import Event as Happening
from crossfade.operations.step import Phase
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.gates import AppVersion
from crossfade.plan.model import Backfill, Plan
from crossfade.plan.names import TableName
from crossfade.plan.notify import Target
from crossfade.postgres.clock import database_now
from crossfade.postgres.connect import connect, database_url
from crossfade.postgres.pooler import refuse_transaction_pooler
from crossfade.workflow import doctor, ledger, quarantined, registration, report, roles, schedules, steering, way_back
from crossfade.workflow.actor import who_asks
from crossfade.workflow.audit import Audit, read_audit
from crossfade.workflow.driving import Order, carry_out, try_refused_rows
from crossfade.workflow.dry_run import rehearse
from crossfade.workflow.lease import surviving_outages
from crossfade.workflow.ledger import RunRow
from crossfade.workflow.live_types import Ahead, TypesOf, read_types
from crossfade.workflow.pending_migrations import Standing, standing
from crossfade.workflow.preflight import examine
from crossfade.workflow.program import Program, from_json
from crossfade.workflow.results import Explanation, Finding, HistoryEntry, Preflight, Status
from crossfade.workflow.runner import POLL_SECONDS, evaluated
from crossfade.workflow.scheduling import Schedules
from crossfade.workflow.states import BEFORE_BACKFILLED, CONTRACT_IS_OVER, FINAL, FORWARD, GIVEN_UP, Event, State, after
from crossfade.workflow.version_matrix import VersionMatrix, read_matrix
from crossfade.workflow.worker import Worker

Connection = psycopg.Connection[Any]
Confirmation = Callable[[str], None]
"""Given what is about to happen, returns if a person agrees; raises UsageError otherwise."""


_IN_WORDS = {Event.BEGIN_ROLLBACK: "roll back", Event.BEGIN_REVERT: "revert"}


_GATES_AHEAD: Mapping[Phase, frozenset[State]] = {
    Phase.EXPAND: frozenset({State.PLANNED, State.EXPANDING}),
    Phase.BACKFILL: BEFORE_BACKFILLED,
    Phase.CONTRACT: frozenset(State) - CONTRACT_IS_OVER,
}
"""The states in which a phase's gates are asked, or may be yet."""


def _require_gates(run: RunRow, phase: Phase | None) -> Phase:
    """The phase. Raises WrongState where no gate stands in front of the run."""
    if phase is None or run.state in FINAL or (phase is Phase.CONTRACT and run.state in CONTRACT_IS_OVER):
        raise WrongState(
            f"run {run.name} is {run.state}; no gate stands in front of it", hint=f"See crossfade status {run.name}."
        )
    return phase


def _require_ahead(run: RunRow, phase: Phase | None) -> Phase:
    """The same; of a phase that the run is past, its gates can be looked at, but nothing be said to them."""
    asked = _require_gates(run, phase)
    if run.state not in _GATES_AHEAD[asked]:
        raise WrongState(
            f"run {run.name} is {run.state}; no gate of {asked} stands in front of it",
            hint=f"See crossfade status {run.name}.",
        )
    return asked


def _nobody_listens(_event: Happening) -> None:
    return


def _nobody_looks(_verdict: PhaseVerdict) -> None:
    return


def _agreed(_what: str) -> None:
    return


def _with_the_drop(confirm: Confirmation) -> Confirmation:
    """The question about hiding, where the same answer drops the old data."""
    return lambda what: confirm(f"{what}; then drop the old data for good, which cannot be reverted")


class Engine:
    """crossfade on one database; a context manager.

    `database` is a URL or conninfo, else CROSSFADE_DATABASE_URL, DATABASE_URL or libpq's PG* variables. `emit` gets
    every event as it happens, in the thread that works. The targets of `notify` are told of every run that is driven,
    besides those that the run's plan names. A plan that changes anything of `fixed` is refused.
    """

    def __init__(
        self,
        database: str | None = None,
        *,
        emit: Emit = _nobody_listens,
        notify: Sequence[Target] = (),
        fixed: Fixed = NOTHING_FIXED,
    ) -> None:
        self._url = database_url(database)
        self._emit = emit
        self._fixed = fixed
        self._stop: str | None = None
        self._reader: Connection | None = None
        self._is_direct = False
        self._notifier = Notifier(self._connect, notify)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._notifier.close()

    def close(self) -> None:
        """Give the connection back; the engine connects again when it is used again."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def stop(self) -> None:
        """Ask a running command, from a signal handler or another thread, to end after what it has in hand."""
        self._stop = "interrupted"

    # The ledger and the database

    def init(self, app_role: str | None = None) -> tuple[str, ...]:
        """Create or upgrade the ledger and its roles; what was done, a line each."""
        with self._connect() as connection:
            created = ledger.install(connection)
            said = f"ledger version {ledger.VERSION} {'installed' if created else 'is up to date'}"
            return (said, *roles.grant_roles(connection, app_role))

    def doctor(self) -> tuple[Finding, ...]:
        """Can we work here."""
        return doctor.examine(self._url)

    def orphans(self) -> tuple[str, ...]:
        """Objects of ours that no living run accounts for."""
        return doctor.orphans(self._read())

    # Plans

    def check(self, plan: Plan, acks: Iterable[str] = ()) -> Preflight:
        """What the plan meets in this database; nothing is changed.

        Once its run is under way the database has our own objects in it, and there is nothing left to meet. Raises
        PlanChanged where the run was started with another version of the plan.
        """
        run = self._under_way(plan)
        if run is not None:
            return Preflight(plan=plan.name, state=run.state)
        found = examine(self._connect, plan, acks, self._fixed)
        return Preflight(plan=plan.name, refusals=found.refusals, cautions=found.cautions)

    def explain(self, plan: Plan, acks: Iterable[str] = ()) -> Explanation:
        """Every step that the plan comes to here, or came to when its run began; nothing is changed.

        Raises PreflightRefused and PlanChanged.
        """
        gates = {phase: tuple(describe(g) for g in gates_of(plan, phase)) for phase in Phase}
        run = self._under_way(plan)
        if run is not None:
            return Explanation(plan=plan, program=from_json(run.program), gates=gates, state=run.state)
        found = examine(self._connect, plan, acks, self._fixed)
        return Explanation(plan=plan, program=found.checked(), cautions=found.cautions, gates=gates)

    def program(self, target: Plan | str, acks: Iterable[str] = ()) -> tuple[Program, bool]:
        """What a plan comes to here, or a run came to when it began; and whether it has begun. Nothing is changed.

        Raises PreflightRefused, PlanChanged and UnknownRun.
        """
        if isinstance(target, str):
            ledger.require(self._read())
            run = ledger.get_run(self._read(), target)
            return from_json(run.program), run.state is not State.PLANNED
        explained = self.explain(target, acks)
        return explained.program, explained.state is not None

    def types(
        self,
        schemas: Collection[str] | None = None,
        plan: Plan | None = None,
        phase: Phase = Phase.CONTRACT,
        acks: Iterable[str] = (),
    ) -> TypesOf:
        """What types are printed of: these schemas, or all, as they are or as a phase of a plan leaves them.

        Raises UsageError for a schema that there is not, PreflightRefused, PlanChanged, and WrongState where the plan's
        run is past that phase.
        """
        ahead = None if plan is None else self._ahead(plan, phase, acks)
        with self._connect() as connection:
            return read_types(connection, schemas, ahead)

    def _ahead(self, plan: Plan, phase: Phase, acks: Iterable[str]) -> Ahead:
        run = self._under_way(plan)
        if run is None:
            return Ahead(program=examine(self._connect, plan, acks, self._fixed).checked(), phase=phase)
        states = ledger.step_states(self._read(), run.id)
        done = frozenset(step for step, state in states.items() if state == "done")
        return Ahead(program=from_json(run.program), phase=phase, done=done)

    def _under_way(self, plan: Plan) -> RunRow | None:
        """The plan's run, if it has begun and is not rolled back."""
        connection = self._read()
        if ledger.installed_version(connection) == 0:
            return None
        ledger.require(connection)
        run = registration.run_of(connection, plan)
        return run if run is not None and run.state is not State.PLANNED else None

    def start(self, plan: Plan, acks: Iterable[str] = (), *, actor: str | None = None) -> Status:
        """Register the run; does nothing if it was started with the same plan. Raises PlanChanged, PreflightRefused.

        `actor` is who asks for it, else CROSSFADE_ACTOR, else the user and host of this process.
        """
        self._start(plan, tuple(acks), actor)
        return self.status(plan.name)

    # Phases

    def expand(self, target: Plan | str, *, acks: Iterable[str] = (), wait: timedelta | None = None) -> Status:
        """Make the new shape beside the old."""
        run = self._find(target, tuple(acks))
        self._require_state(run, "expand", State.PLANNED)
        return self._drive(run, State.EXPANDED, wait=wait)

    def backfill(
        self,
        target: Plan | str,
        *,
        acks: Iterable[str] = (),
        wait: timedelta | None = None,
        max_duration: timedelta | None = None,
    ) -> Status:
        """Fill the new shape, make it as good as the old, and compare both; or change the data that the plan means."""
        run = self._find(target, tuple(acks))
        is_data = bool(from_json(run.program).data)
        self._require_state(run, "backfill", State.PLANNED if is_data else State.EXPANDED)
        # A change of data has nothing to contract, and is over with its last row.
        goal = State.CONTRACTED if is_data else State.BACKFILLED
        return self._drive(run, goal, wait=wait, max_duration=max_duration)

    def contract(
        self,
        target: Plan | str,
        *,
        acks: Iterable[str] = (),
        confirm: Confirmation = _agreed,
        wait: timedelta | None = None,
    ) -> Status:
        """Hide the old shape once the gates pass, and drop it once `retain` is over.

        A run that is reverting goes forwards again.
        """
        run = self._find(target, tuple(acks))
        if run.state is not State.REVERTING:
            self._require_state(run, "contract", State.BACKFILLED)
        return self._contract(run, confirm=confirm, wait=wait)

    def _contract(self, run: RunRow, *, confirm: Confirmation, wait: timedelta | None) -> Status:
        """First to `retained`; on to the drop if that is due within `wait`, or was all that was left to do."""
        begun, patience = time.monotonic(), wait or timedelta()
        if from_json(run.program).is_empty(Phase.CONTRACT) and run.state in FORWARD:
            # Nothing is hidden, so nothing is retained either.
            return self._drive(run, State.CONTRACTED, confirm=confirm, wait=wait)
        if run.state not in (State.RETAINED, State.DROPPING, State.CONTRACTED):
            retain = Plan.from_json(dict(run.plan)).retain
            asked = confirm if retain > patience else _with_the_drop(confirm)
            begin = Event.BEGIN_CONTRACT if run.state is State.REVERTING else None
            status = self._drive(run, State.RETAINED, confirm=asked, wait=wait, begin=begin)
            patience = max(patience - timedelta(seconds=time.monotonic() - begun), timedelta())
            if status.retain_until is not None and status.retain_until > database_now(self._read()) + patience:
                return status
            return self._drive(run, State.CONTRACTED, wait=patience)
        # What is retained for longer than anybody waits is said at once.
        too_long = run.retain_until is not None and run.retain_until > database_now(self._read()) + patience
        return self._drive(run, State.CONTRACTED, confirm=confirm, wait=None if too_long else wait)

    def advance(
        self,
        target: Plan | str,
        *,
        acks: Iterable[str] = (),
        to: State | None = None,
        wait: timedelta | None = None,
    ) -> Status:
        """As far as the gates let it, or to a state."""
        run = self._find(target, tuple(acks))
        goal = to or State.CONTRACTED
        if goal not in FORWARD:
            raise UsageError(
                f"advance goes forward; {goal} is not on the way", hint=f"States on the way: {', '.join(FORWARD)}"
            )
        self._require_state(run, "advance", State.PLANNED)
        if goal is State.CONTRACTED and run.state not in (State.RETAINED, State.DROPPING):
            return self._contract(run, confirm=_agreed, wait=wait)
        return self._drive(run, goal, wait=wait)

    def rollback(self, name: str, *, confirm: Confirmation = _agreed, discard: bool = False) -> Status:
        """Back to before; offered up to `backfilled`, and not to a plan that changes data.

        Raises WouldDiscard where that would destroy what only new versions wrote, unless `discard` gives it up.
        """
        run = self._find(name, ())
        if from_json(run.program).data:
            raise WrongState(
                f"run {name} changes data; what it changed cannot be taken back",
                hint=f"To end it as it is: crossfade cancel {name}",
            )
        back = (Event.BEGIN_ROLLBACK, State.ROLLING_BACK, State.ROLLED_BACK)
        return self._turn_back(name, "rollback", *back, confirm, discards=discard)

    def revert(self, name: str, *, confirm: Confirmation = _agreed) -> Status:
        """Back from `retained` to `backfilled`; touches no row."""
        return self._turn_back(name, "revert", Event.BEGIN_REVERT, State.REVERTING, State.BACKFILLED, confirm)

    def _turn_back(
        self,
        name: str,
        command: str,
        event: Event,
        through: State,
        goal: State,
        confirm: Confirmation,
        *,
        discards: bool = False,
    ) -> Status:
        run = self._find(name, ())
        if run.state is goal and goal in FINAL:
            return self.status(name)
        if run.state is not through and after(run.state, event) is None:
            raise WrongState(
                f"run {name} is {run.state}; {command} is not for that state",
                hint=way_back.instead(
                    name, from_json(run.program), ledger.step_states(self._read(), run.id), run.state, event
                ),
            )
        if run.state not in (through, State.PLANNED):
            confirm(f"{_IN_WORDS[event]} run {name} from {run.state}")
        return self._drive(run, goal, begin=event, discards=discards)

    # Schedules, and whoever runs what is due

    @property
    def schedules(self) -> Schedules:
        """The plans that run again and again."""
        return Schedules(read=self._read, connect=self._connect, init=self.init, fixed=self._fixed)

    def worker(
        self,
        *,
        concurrency: int = 4,
        max_duration: timedelta | None = None,
        poll: timedelta = timedelta(seconds=1),
    ) -> Worker:
        """One that fires schedules and moves runs on: by `run()` until it is stopped, by `once()` what is due now."""
        self._ledger()
        self.close()
        self._notifier.begin()
        return Worker(
            connect=self._connect,
            emit=self._notifier.beside(self._emit),
            asked_to_stop=lambda: self._stop,
            fixed=self._fixed,
            concurrency=concurrency,
            max_duration=max_duration,
            poll=poll,
        )

    # Steering, while it runs and from any host

    def pause(self, name: str, reason: str) -> Status:
        """Hold the run at its next batch or step."""
        steering.pause(self._read(), self._find(name, ()), reason)
        return self.status(name)

    def resume(self, name: str) -> Status:
        """Let a held run go on, with the next command."""
        steering.resume(self._read(), self._find(name, ()))
        return self.status(name)

    def accept_changes(self, name: str, *, actor: str | None = None) -> Status:
        """Let a run go on, with the next command, as somebody else has changed its tables; and if it is held.

        `actor` is whose word that is, as for `start`. Raises WrongState where there is nothing to accept, or where what
        was changed cannot be.
        """
        steering.accept_changes(self._read(), self._find(name, ()), who_asks(actor))
        return self.status(name)

    def cancel(self, name: str, reason: str | None = None) -> Status:
        """End a run that changes data, for good; rows that were changed stay changed."""
        run = self._find(name, ())
        steering.begin_cancel(self._read(), run, reason)
        if run.state in FINAL:
            return self.status(name)
        return self._drive(run, State.CANCELLED, begin=Event.BEGIN_ROLLBACK)

    def settings(self, name: str) -> Backfill:
        """How the run's rows are migrated now."""
        return steering.settings(self._read(), self._find(name, ()))

    def tune(self, name: str, wanted: Mapping[str, Any]) -> Backfill:
        """Change how the run's rows are migrated, by keys of the plan's `backfill`; None goes back to the plan's."""
        return steering.tune(self._read(), self._find(name, ()), wanted)

    def brake(self) -> steering.Brake:
        """What holds every backfill of the database, if it is on."""
        return steering.brake(self._ledger())

    def set_brake(self, *, reason: str | None) -> steering.Brake:
        """Hold every backfill of the database, for this reason; with None let all go on."""
        return steering.set_brake(self._ledger(), reason=reason)

    # Rows that were refused

    def quarantine(
        self, name: str, states: Sequence[str] = ("open", "waived")
    ) -> tuple[quarantined.QuarantinedRow, ...]:
        """The rows that the run's backfill set aside, in these states."""
        return quarantined.rows_of(self._read(), self._find(name, ()), states)

    def retry_quarantine(self, name: str) -> Status:
        """Try the refused rows again. Raises RowsFailed while one is still refused."""
        run = self._find(name, ())
        if run.state is not State.BACKFILLING:
            raise WrongState(
                f"run {name} is {run.state}; rows are tried again while it is backfilling",
                hint=f"See crossfade status {name}.",
            )
        if quarantined.rows_of(self._read(), run, ("open",)):
            emit = self._listened(run)
            self.close()
            try_refused_rows(run, connect=self._connect, emit=emit, asked_to_stop=lambda: self._stop)
        return self.status(name)

    def waive_quarantine(
        self,
        name: str,
        reason: str,
        *,
        by: str | None = None,
        table: str | None = None,
        keys: Sequence[Mapping[str, str]] = (),
    ) -> int:
        """Give up refused rows, with a reason: those with exactly these keys, or with none all that are open.

        With a table, only those of it, written as they are listed. How many they were.
        """
        return quarantined.waive(self._read(), self._find(name, ()), reason, by=by, table=table, keys=keys)

    # Looking

    def status(self, name: str) -> Status:
        """Where the run stands, what is next and who blocks it."""
        connection = self._read()
        ledger.require(connection)
        schedules.refuse_schedule(connection, name)
        run = ledger.get_run(connection, name)
        phase = report.next_phase(run.state, from_json(run.program))
        gates = {phase: glance(connection, self._subject(run), phase)} if phase else {}
        waits = report.fence_holders(connection) if run.state in (State.BACKFILLED, State.CONTRACTING) else ()
        return report.status(connection, run, gates, early=self._live_too_early(run), waits=waits)

    def runs(self) -> tuple[Status, ...]:
        """Every run, the latest first; their gates are not evaluated."""
        connection = self._read()
        ledger.require(connection)
        return tuple(report.status(connection, run, {}) for run in ledger.all_runs(connection))

    def gates(
        self,
        name: str,
        phase: Phase | None = None,
        *,
        wait: timedelta | None = None,
        seen: Callable[[PhaseVerdict], None] = _nobody_looks,
    ) -> PhaseVerdict:
        """Evaluate the gates of a phase (the next one) now, with the evidence; waits until they pass, if asked.

        `seen` gets what each look finds while it is waited for.
        """
        run = self._find(name, ())
        asked = _require_gates(run, phase or report.gated_phase(run.state, from_json(run.program)))
        if from_json(run.program).is_empty(asked):
            raise WrongState(
                f"run {name} has nothing to do in {asked}, and passes through it; no gate stands in front of it",
                hint=f"See crossfade status {name}.",
            )
        until, subject = time.monotonic() + (wait or timedelta()) / timedelta(seconds=1), self._subject(run)
        verdict: PhaseVerdict | None = None
        emit = self._listened(run)
        while True:
            verdict = evaluate(self._read(), subject, asked, before=verdict)
            emit(evaluated(name, verdict))
            seen(verdict)
            if not verdict.blockers or time.monotonic() + POLL_SECONDS > until:
                return verdict
            if self._stop:
                raise Interrupted("stopped waiting for the gates", hint="What they said is in: crossfade status.")
            time.sleep(POLL_SECONDS)

    def history(self, name: str) -> tuple[HistoryEntry, ...]:
        """The append-only record, oldest first."""
        run = self._find(name, ())
        return tuple(HistoryEntry(**row) for row in ledger.event_rows(self._read(), run.id))

    def audit(self, name: str) -> Audit:
        """Everything that a reviewer asks of the latest run of that name; reads only. Raises UnknownRun."""
        connection = self._ledger()
        schedules.refuse_schedule(connection, name)
        return read_audit(connection, name)

    def pending_migrations(
        self, projects: Iterable[Project], plans: Sequence[Plan] = (), history: TableName | None = None
    ) -> tuple[Standing, ...]:
        """What other tools would run of their folders now, and which plans or runs do the work of it; reads only.

        `history` is the tool's table, where it is not the one that the tool makes by itself.
        """
        return standing(self._read(), projects, plans, history)

    # What people and apps say

    def approve(
        self, name: str, phase: Phase, approver: str, *, role: str | None = None, reason: str | None = None
    ) -> PhaseVerdict:
        """Record an approval of this plan's phase, bound to plan, program and database; the gates as they are then."""
        word = approval.Word(phase=phase, approver=approver, role=role, reason=reason)
        return self._said(name, word, approval.give, "approved")

    def withdraw_approval(
        self, name: str, phase: Phase, approver: str, *, role: str | None = None, reason: str | None = None
    ) -> PhaseVerdict:
        """Take back what this person approved, in the role or in all; the gates as they are then.

        Raises UsageError where there is nothing to take back.
        """
        word = approval.Word(phase=phase, approver=approver, role=role, reason=reason)
        return self._said(name, word, approval.withdraw, "approval_withdrawn")

    def _said(
        self, name: str, word: approval.Word, write: Callable[[Connection, int, approval.Word], str], event: str
    ) -> PhaseVerdict:
        run = self._find(name, ())
        _require_ahead(run, word.phase)
        connection = self._read()
        with connection.transaction():
            digest = write(connection, run.id, word)
            ledger.add_event(connection, run.id, event, {**word.as_json(), "digest": digest})
        return evaluate(connection, self._subject(run), word.phase)

    def override(
        self, name: str, gate: str, *, actor: str, reason: str, lasts: timedelta, phase: Phase | None = None
    ) -> PhaseVerdict:
        """Let a phase (the next one) begin although its gates of a kind do not pass; the gates as they are then.

        Raises UsageError for a gate that no override goes past.
        """
        run = self._find(name, ())
        asked = _require_ahead(run, phase or report.gated_phase(run.state, from_json(run.program)))
        connection, subject = self._read(), self._subject(run)
        wanted = overrides.Wanted(phase=asked, gate=gate, actor=actor, reason=reason, lasts=lasts)
        with connection.transaction():
            overrides.give(connection, subject, wanted)
            ledger.add_event(connection, run.id, "overridden", {**wanted.as_json(), "digest": run.digest})
        return evaluate(connection, subject, asked)

    def heartbeat(self, app: str, version: str, instance: str) -> bool:
        """Say that an instance is live; whether it may go on."""
        try:
            # An app's role may do this, and not read the ledger.
            return sightings.heartbeat(self._read(), app, version, instance)
        except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedFunction):
            raise ledger.missing() from None

    def can_i_run(self, app: str, version: str) -> Answer:
        """Whether this version of the app may be deployed, against the database as it is; nothing is recorded."""
        return fence.ask(self._ledger(), app, version)

    def record(self, app: str, version: str, instance: str = "deploy") -> None:
        """Record a deployment: it says what was meant, not what is live."""
        sightings.record(self._ledger(), app, version, instance)

    def versions(self) -> tuple[sightings.Sighting, ...]:
        """Every sighting in the ledger."""
        return sightings.list_sightings(self._ledger())

    def version_matrix(self) -> VersionMatrix:
        """Of each app and version: what was sighted, whether the fence lets it run, and what runs expect of it."""
        return read_matrix(self._ledger())

    # Inside

    def _connect(self) -> Connection:
        if not self._is_direct:
            # Asked before the first session is set up: a transaction pool would hand our settings to the next app.
            refuse_transaction_pooler(self._url)
            self._is_direct = True
        return connect(self._url)

    def _read(self) -> Connection:
        if self._reader is None or self._reader.closed:
            self._reader = self._connect()
        return self._reader

    def _ledger(self) -> Connection:
        ledger.require(self._read())
        return self._read()

    def _live_too_early(self, run: RunRow) -> str | None:
        """Which instances of the new version are live before the rows are filled."""
        is_filled = run.state is State.EXPANDED and from_json(run.program).is_empty(Phase.BACKFILL)
        if run.state not in BEFORE_BACKFILLED or is_filled:
            return None
        look = Look(phase=Phase.BACKFILL, now=database_now(self._read()), record=False)
        return app_version.live_in_new(app_version.observe(self._read(), self._subject(run), AppVersion(), look))

    def _subject(self, run: RunRow) -> Subject:
        return Subject(
            run_id=run.id,
            name=run.name,
            digest=run.digest,
            plan=Plan.from_json(dict(run.plan)),
            rows=from_json(run.program).rows,
            watches=from_json(run.program).watches,
            created_at=run.created_at,
        )

    def _listened(self, run: RunRow) -> Emit:
        """What takes in the events of a run that is about to be driven."""
        self._notifier.follow(self._read(), run.name, run.plan)
        return self._notifier.beside(self._emit)

    def _find(self, target: Plan | str, acks: tuple[str, ...]) -> RunRow:
        if isinstance(target, Plan):
            return self._start(target, acks)
        schedules.refuse_schedule(self._ledger(), target)
        return registration.accept(self._ledger(), ledger.get_run(self._ledger(), target), acks)

    def _start(self, plan: Plan, acks: tuple[str, ...], actor: str | None = None) -> RunRow:
        connection = self._read()
        if ledger.installed_version(connection) == 0:
            self.init()
        ledger.require(connection)
        schedules.refuse_schedule(connection, plan)
        return registration.register(
            connection, plan, acks, connect=self._connect, started_by=who_asks(actor), fixed=self._fixed
        )

    def _require_state(self, run: RunRow, command: str, earliest: State) -> None:
        if run.state not in FORWARD:
            raise WrongState(
                f"run {run.name} is {run.state}; {command} is not for that state",
                hint=f"See crossfade status {run.name}."
                if run.state not in GIVEN_UP
                else "Start the plan again: crossfade start PLAN",
            )
        if FORWARD.index(run.state) < FORWARD.index(earliest):
            raise WrongState(
                f"run {run.name} is {run.state}; {command} comes after {earliest}",
                hint=f"Run: crossfade advance {run.name} --to {earliest}",
            )

    def _drive(
        self,
        run: RunRow,
        goal: State,
        *,
        confirm: Confirmation = _agreed,
        wait: timedelta | None = None,
        max_duration: timedelta | None = None,
        begin: Event | None = None,
        discards: bool = False,
    ) -> Status:
        began = time.monotonic()
        order = Order(
            goal=goal,
            begin=begin,
            confirm=confirm,
            wait_until=None if wait is None else began + wait / timedelta(seconds=1),
            stop_at=None if max_duration is None else began + max_duration / timedelta(seconds=1),
            discards=discards,
            fixed=self._fixed,
        )

        def attempt() -> Status:
            carry_out(order, run, connect=self._connect, emit=emit, asked_to_stop=lambda: self._stop)
            return self.status(run.name)

        emit = self._listened(run)
        # Not kept open and idle for what may be hours.
        self.close()
        return surviving_outages(attempt)

    def dry_run(self, target: Plan | str, acks: Iterable[str] = ()) -> Rehearsal:
        """What the backfill would come to, from batches that are rolled back. Raises PreflightRefused, WrongState."""
        return rehearse(self._connect, target, acks, self._fixed)
