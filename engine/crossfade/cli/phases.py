"""Commands that move a run: start, the phases, advance, rollback, revert, pause, resume."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from crossfade.cli import schedule_page
from crossfade.cli.call import Call
from crossfade.cli.confirmation import asked_once, confirmation
from crossfade.cli.options import Acks, Confirm, MetricsPort, PlanFile, Run, Target, Wait
from crossfade.cli.targets import acknowledged, duration, metrics_address, name_of, run_name, target
from crossfade.errors import UsageError
from crossfade.workflow.states import FORWARD, State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan
    from crossfade.workflow.results import Status

_HIDE = "hide the old shape as soon as the gates pass, and drop it once `retain` is over within --wait"
_QUESTIONS = {
    State.BACKFILLED: _HIDE,
    State.CONTRACTING: _HIDE,
    State.RETAINED: "drop the old data for good, once `retain` is over",
    State.DROPPING: "drop the old data for good",
}
"""What `contract --wait` asks before it waits."""
Goal = StrEnum("Goal", {state.name: state.value for state in FORWARD})  # type: ignore[misc] # made of another enumeration


def start(
    call: Call,
    plan: PlanFile,
    ack: Acks = None,
    actor: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help="Who asks for it; else CROSSFADE_ACTOR, else the user and host here.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Register the run of a plan, in state planned; or its schedule, if it has one."""
    from crossfade.plan.load import load_plan

    loaded = load_plan(plan)
    with call.engine() as engine:
        if loaded.schedule is not None:
            return schedule_page.answer(call, engine.schedules.start(loaded, acknowledged(ack), actor=actor))
        return _arrived(call, engine.start(loaded, acknowledged(ack), actor=actor))


def expand(call: Call, run: Target, ack: Acks = None, wait: Wait = None) -> int:
    """Make the new shape beside the old one."""
    found, patience = target(run), duration(wait, "--wait")
    with call.working_engine() as (engine, _):
        status = engine.expand(found, acks=acknowledged(ack), wait=patience)
    return _arrived(call, status)


def backfill(
    call: Call,
    run: Target,
    ack: Acks = None,
    wait: Wait = None,
    max_duration: Annotated[
        str | None,
        typer.Option(
            "--max-duration", metavar="DURATION", help="Stop after this long, with exit code 7 if work is left."
        ),
    ] = None,
    metrics_port: MetricsPort = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what it would come to, from three batches that are rolled back."),
    ] = False,
) -> int:
    """Fill the new shape in small batches; compare every row."""
    found, patience = target(run), duration(wait, "--wait")
    limit = duration(max_duration, "--max-duration")
    if dry_run:
        return _rehearsed(call, found, acknowledged(ack), alone=not (wait or max_duration or metrics_port))
    with call.working_engine(metrics_address(metrics_port)) as (engine, _):
        status = engine.backfill(found, acks=acknowledged(ack), wait=patience, max_duration=limit)
    return _arrived(call, status)


def contract(call: Call, run: Target, ack: Acks = None, wait: Wait = None, confirm: Confirm = None) -> int:
    """Take the old shape away, once nothing live needs it."""
    found, patience = target(run), duration(wait, "--wait")
    with call.working_engine() as (engine, progress):
        agreed, acks = confirmation(call, progress, name_of(found), confirm), acknowledged(ack)
        if patience is not None and not isinstance(found, str):
            engine.start(found, acks)
        ahead = None if patience is None else _QUESTIONS.get(engine.status(name_of(found)).state)
        if ahead is not None:
            agreed = asked_once(agreed, ahead)
        status = engine.contract(found, acks=acks, confirm=agreed, wait=patience)
    return _arrived(call, status)


def advance(
    call: Call,
    run: Target,
    ack: Acks = None,
    wait: Wait = None,
    to: Annotated[Goal | None, typer.Option("--to", help="The state to stop in.", show_default=False)] = None,
    metrics_port: MetricsPort = None,
) -> int:
    """Go on as far as the gates allow, or to a state."""
    found, patience = target(run), duration(wait, "--wait")
    with call.working_engine(metrics_address(metrics_port)) as (engine, _):
        goal = None if to is None else State(to.value)
        status = engine.advance(found, acks=acknowledged(ack), to=goal, wait=patience)
    return _arrived(call, status)


def rollback(
    call: Call,
    run: Run,
    confirm: Confirm = None,
    discard: Annotated[
        bool, typer.Option("--discard", help="Give up what only new versions wrote, and what has no place before.")
    ] = False,
) -> int:
    """Go back to before; nothing is lost.

    Offered up to backfilled.
    """
    name = run_name(run)
    with call.working_engine() as (engine, progress):
        status = engine.rollback(name, confirm=confirmation(call, progress, name, confirm), discard=discard)
    return _arrived(call, status)


def revert(call: Call, run: Run, confirm: Confirm = None) -> int:
    """Bring the old shape back from retained.

    It takes milliseconds and touches no row.
    """
    name = run_name(run)
    with call.working_engine() as (engine, progress):
        status = engine.revert(name, confirm=confirmation(call, progress, name, confirm))
    return _arrived(call, status)


def pause(
    call: Call, run: Run, reason: Annotated[str, typer.Option("--reason", help="Why; everyone who asks is told.")]
) -> int:
    """Hold a run at its next batch or step; or let a schedule fire no more until it is resumed."""
    name = run_name(run)
    with call.engine() as engine:
        if name in engine.schedules:
            return schedule_page.answer(call, engine.schedules.pause(name, reason))
        return _arrived(call, engine.pause(name, reason))


def resume(
    call: Call,
    run: Run,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on with what somebody else changed on the run's tables.")
    ] = False,
) -> int:
    """Let a held run go on, with the next command; or let a held schedule fire again."""
    name = run_name(run)
    with call.engine() as engine:
        if name in engine.schedules:
            if accept_changes:
                raise UsageError(
                    f"{name} is a schedule; it has no steps for which a table could have changed",
                    hint=f"Run: crossfade resume {name}",
                )
            return schedule_page.answer(call, engine.schedules.resume(name))
        return _arrived(call, engine.accept_changes(name) if accept_changes else engine.resume(name))


def _rehearsed(call: Call, found: "Plan | str", acks: tuple[str, ...], *, alone: bool) -> int:
    if not alone:
        raise UsageError(
            "--dry-run changes nothing and waits for nothing",
            hint="Leave out --wait, --max-duration and --metrics-port.",
        )
    from crossfade.cli.rehearsal_page import page

    with call.engine() as engine:
        rehearsal = engine.dry_run(found, acks)
    call.answer(rehearsal.as_json(), lambda: page(rehearsal))
    return 0


def _arrived(call: Call, status: "Status") -> int:
    from crossfade.cli.status_page import summary

    call.answer(status.as_json(), lambda: summary(status))
    return 0


COMMANDS = (start, expand, backfill, contract, advance, rollback, revert, pause, resume)
