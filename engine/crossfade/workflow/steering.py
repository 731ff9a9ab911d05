"""Steering a run from any host while it works: hold it, tune it, cancel it; and the brake, which holds every backfill.

Each is one short transaction on the ledger, with an entry in the history. Whoever drives the run reads it within a
second, or before the next batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import ValidationError

from crossfade.errors import UsageError, WrongState
from crossfade.plan.addresses import shown_address
from crossfade.plan.load import problems_in
from crossfade.plan.model import Backfill, Plan
from crossfade.plan.words import nearest, shown
from crossfade.workflow import baseline, ledger, own_triggers
from crossfade.workflow.program import from_json
from crossfade.workflow.reasons import require_reason
from crossfade.workflow.states import FINAL, GIVEN_UP, Event, State, after

if TYPE_CHECKING:
    from crossfade.workflow.ledger import RunRow

Connection = psycopg.Connection[Any]
_IN_STEP = frozenset({State.EXPANDED, State.BACKFILLING, State.BACKFILLED, State.CONTRACTING, State.REVERTING})
"""Where the triggers are all there, and needed: what was written past them would be hidden, or come back."""


def pause(connection: Connection, run: RunRow, reason: str) -> None:
    """Hold the run at its next batch or step. Raises WrongState where nothing is left to hold, UsageError.

    Whoever drives it, or asks, is told the reason, so it may not be empty.
    """
    require_reason(reason)
    if run.state in FINAL:
        raise WrongState(f"run {run.name} is {run.state}; there is nothing to hold")
    ledger.set_paused(connection, run.id, reason)


def resume(connection: Connection, run: RunRow) -> None:
    """Let a held run go on, with the next command. Raises WrongState where it is not held."""
    if run.paused is None:
        raise WrongState(f"run {run.name} is not paused")
    ledger.set_paused(connection, run.id, None)


def accept_changes(connection: Connection, run: RunRow, actor: str) -> None:
    """Let a run go on with what somebody else changed on its tables, and if it is held. Raises WrongState."""
    with connection.transaction():
        if run.state in _IN_STEP:
            own_triggers.refuse_to_accept(connection, run.name, from_json(run.program).rows)
        baseline.accept(connection, run, actor)
        if run.paused is not None:
            ledger.set_paused(connection, run.id, None)


def settings(connection: Connection, run: RunRow) -> Backfill:
    """How the run's rows are migrated now: what the plan says, with what was tuned since."""
    plan = Plan.from_json(dict(run.plan)).backfill
    row = connection.execute("SELECT tuning FROM crossfade.runs WHERE id = %s", [run.id]).fetchone()
    return plan.tuned(row[0] if row else {})


def tune(connection: Connection, run: RunRow, wanted: Mapping[str, Any]) -> Backfill:
    """Change keys of the plan's `backfill` for this run; a value of None goes back to the plan's.

    Raises WrongState after the backfill, UsageError for a key or a value that a plan could not have.
    """
    if run.state in FINAL or (after(run.state, Event.FINISH_BACKFILL) is None and run.state not in _BEFORE):
        raise WrongState(
            f"run {run.name} is {run.state}; its backfill is over", hint=f"See crossfade status {run.name}."
        )
    for key in wanted:
        if key not in _TUNABLE:
            raise UsageError(
                f"there is no {shown(key)} to tune",
                hint=nearest(key, _TUNABLE) or f"Keys: {', '.join(sorted(_TUNABLE))}.",
            )
    plan = Plan.from_json(dict(run.plan)).backfill
    with connection.transaction():
        row = connection.execute("SELECT tuning FROM crossfade.runs WHERE id = %s FOR UPDATE", [run.id]).fetchone()
        before = plan.tuned(row[0] if row else {})
        tuning = {k: v for k, v in {**(row[0] if row else {}), **wanted}.items() if v is not None}
        after_it = _valid(plan, tuning)
        connection.execute("UPDATE crossfade.runs SET tuning = %s WHERE id = %s", [Jsonb(tuning), run.id])
        if "batch_rows" in wanted:
            connection.execute(
                "UPDATE crossfade.backfills SET batch_rows = %s, smoothed_rows = 0, smoothed_seconds = 0"
                " WHERE run_id = %s AND finished_at IS NULL",
                [after_it.batch_rows, run.id],
            )
        old, new = as_document(before), as_document(after_it)
        changed = {k: {"from": old.get(k), "to": new.get(k)} for k in wanted}
        ledger.add_event(connection, run.id, "tuned", changed)
    return after_it


def as_document(settings: Backfill) -> dict[str, Any]:
    """The settings as a plan writes them, without what may be a token in an address."""
    document = settings.model_dump(mode="json")
    if settings.throttle_http is not None:
        document["throttle_http"] = shown_address(settings.throttle_http)
    return document


_TUNABLE = frozenset(Backfill.model_fields) - {"updated_at", "verify"}
"""All but what is settled when a run begins."""
_BEFORE = frozenset({State.PLANNED, State.EXPANDING, State.EXPANDED})


def _valid(plan: Backfill, tuning: Mapping[str, Any]) -> Backfill:
    try:
        return plan.tuned(dict(tuning))
    except ValidationError as error:
        (first, *_) = problems_in({**plan.model_dump(mode="json", exclude_none=True), **tuning}, error)
        place = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
        raise UsageError(
            f"{place}: {first.message}" if place else first.message,
            hint=first.hint or "Write it as a plan would: crossfade tune RUN nice=0.5 max_replica_lag=10s",
        ) from None


def begin_cancel(connection: Connection, run: RunRow, reason: str | None = None) -> None:
    """Turn a run that changes data back, whoever drives it: no other batch is begun, and its lease is void.

    Batches in hand may still end; whoever drives it on to `cancelled` waits for them. What was changed stays changed.
    Does nothing where it was done before. Raises WrongState where the run is of another kind, or over, and UsageError
    for a reason that is empty.
    """
    if reason is not None:
        require_reason(reason)
    if run.state in GIVEN_UP or run.state is State.ROLLING_BACK:
        return
    target = after(run.state, Event.BEGIN_ROLLBACK)
    if run.state not in FINAL and not from_json(run.program).data:
        way_back = "revert" if target is None else "rollback"
        raise WrongState(
            f"run {run.name} changes the schema; it is not cancelled but taken back",
            hint=f"Run: crossfade {way_back} {run.name}",
        )
    if target is None:
        raise WrongState(f"run {run.name} is {run.state}; there is nothing left to cancel")
    with connection.transaction():
        row = connection.execute(
            "UPDATE crossfade.runs SET token = token + 1, paused = NULL WHERE id = %s AND state = %s RETURNING token",
            [run.id, run.state.value],
        ).fetchone()
        if row is None:
            raise WrongState(f"run {run.name} has moved on; nothing was done", hint=f"See crossfade status {run.name}.")
        ledger.move(connection, run.id, row[0], run.state, target)
        ledger.add_event(connection, run.id, "cancelled", {"reason": reason} if reason else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """What holds every backfill of the database, if it is on."""

    is_on: bool
    reason: str | None
    actor: str | None
    since: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The document of `brake --json`."""
        since = None if self.since is None else self.since.isoformat()
        return {"on": self.is_on, "reason": self.reason, "actor": self.actor, "since": since}


def brake(connection: Connection) -> Brake:
    """The brake as it is."""
    with connection.cursor(row_factory=class_row(Brake)) as cursor:
        found = cursor.execute("SELECT is_on, reason, actor, since FROM crossfade.brake").fetchone()
    assert found is not None
    return found


def set_brake(connection: Connection, *, reason: str | None) -> Brake:
    """Hold every backfill for this reason, or with None let all go on; each run that is under way remembers it.

    Raises UsageError for a reason that is empty.
    """
    if reason is not None:
        require_reason(reason)
    with connection.transaction():
        done = connection.execute(
            "UPDATE crossfade.brake SET is_on = %(reason)s::text IS NOT NULL, reason = %(reason)s,"
            " actor = session_user, since = pg_catalog.clock_timestamp() WHERE reason IS DISTINCT FROM %(reason)s",
            {"reason": reason},
        )
        if done.rowcount == 0:
            return brake(connection)
        connection.execute(
            "INSERT INTO crossfade.events (run_id, kind, data)"
            " SELECT id, %s, %s FROM crossfade.runs WHERE state = 'backfilling'",
            ["brake_released" if reason is None else "braked", Jsonb({"reason": reason} if reason else {})],
        )
    return brake(connection)
