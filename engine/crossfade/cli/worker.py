"""Commands of schedules: worker, which fires them and moves runs on, and fire, which does it by hand."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from crossfade.cli.call import Call
from crossfade.cli.options import MetricsPort
from crossfade.cli.output import table
from crossfade.cli.targets import duration, metrics_address, run_name
from crossfade.errors import UsageError
from crossfade.observe.logging import LogFormat

if TYPE_CHECKING:
    from rich.console import RenderableType

    from crossfade.workflow.firing import Firing
    from crossfade.workflow.work_report import Report

_SHORTEST_POLL = timedelta(milliseconds=100)


def worker(
    call: Call,
    once: Annotated[bool, typer.Option("--once", help="Do what is due now and end, for cron and its kind.")] = False,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=64, metavar="N", help="How many runs are in hand at a time.")
    ] = 4,
    max_duration: Annotated[
        str | None,
        typer.Option(
            "--max-duration", metavar="DURATION", help="Stop after this long, with exit code 7 if work is left."
        ),
    ] = None,
    poll: Annotated[
        str, typer.Option("--poll", metavar="DURATION", help="How long between two looks at the ledger.")
    ] = "1s",
    metrics_port: MetricsPort = None,
) -> int:
    """Run what is due: schedules, their runs, backfills that stand still.

    Any number of workers, on any hosts, share the work.
    """
    limit, pause = duration(max_duration, "--max-duration"), duration(poll, "--poll")
    if pause is None or pause < _SHORTEST_POLL:
        raise UsageError(
            f"--poll {poll} is too short", hint="Give at least 100ms; without it a worker looks every second."
        )
    # Lines of the log even on a terminal: several runs go on at a time.
    logged = replace(call, log_format=call.log_format or LogFormat.CONSOLE)
    with logged.working_engine(metrics_address(metrics_port)) as (engine, _):
        working = engine.worker(concurrency=concurrency, max_duration=limit, poll=pause)
        report = working.once() if once else working.run()
    call.answer(report.as_json(), lambda: _page(report))
    return _exit_code(report, once=once)


def _exit_code(report: "Report", *, once: bool) -> int:
    if report.stopped == "interrupted":
        return 130
    if report.left_work:
        return 7
    return int(once and report.has_failed)


def _page(report: "Report") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    if report.fired:
        fired = [(f.schedule, f"{f.fire_time:%Y-%m-%d %H:%M:%S}Z", f.outcome, f.run or f.reason) for f in report.fired]
        parts.append(table(("SCHEDULE", "FIRED", "OUTCOME", ""), fired))
    if report.work:
        work = [(p.run, p.task, p.ending.outcome, p.ending.batches, _line(p.ending.reason)) for p in report.work]
        parts.append(table(("RUN", "TASK", "OUTCOME", "BATCHES", ""), work))
    if report.waiting:
        parts.append(table(("RUN", "WAITS"), report.waiting))
    parts.append(Text(f"Stopped: {report.stopped}." if report.stopped else "Nothing else is due."))
    return Group(*parts)


def _line(reason: str | None) -> str:
    return "" if not reason else reason.strip().splitlines()[0]


def fire(
    call: Call,
    schedule: Annotated[str, typer.Argument(metavar="NAME", help="A schedule's name, or its plan file.")],
) -> int:
    """Let a schedule fire now, by hand; a worker drives the run."""
    with call.engine() as engine:
        fired = engine.schedules.fire(run_name(schedule))
    call.answer(fired.as_json(), lambda: _fired(fired))
    return 0


def _fired(fired: "Firing") -> str:
    earlier = f" It begins once that is over: {fired.reason}." if fired.outcome != "started" else ""
    return f"{fired.run} is planned.{earlier}\nA worker drives it; or by hand: crossfade advance {fired.run}"


COMMANDS = (worker, fire)
