"""Commands that only look at runs: status, history."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from crossfade.cli import schedule_page
from crossfade.cli.call import Call
from crossfade.cli.options import Run
from crossfade.cli.output import console, moment, print_page, table
from crossfade.cli.targets import run_name
from crossfade.errors import UsageError
from crossfade.workflow.states import FINAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from crossfade.workflow.engine import Engine
    from crossfade.workflow.results import Status
    from crossfade.workflow.schedule_status import ScheduleStatus

_REFRESH_SECONDS = 1.0


def status(
    call: Call,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="A run's name, or its plan file.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every second, until the run is finished.")] = False,
) -> int:
    """Show where a run or a schedule stands and what is next; or all of them."""
    if watch and call.json:
        raise UsageError("--watch is for people, and --json prints one document", hint="Leave one of them out.")
    if watch and run is None:
        raise UsageError("--watch follows one run", hint="Name it: crossfade status RUN --watch")
    name = None if run is None else run_name(run)
    from crossfade.cli import status_page

    with call.engine() as engine:
        if name is None:
            runs, schedules = engine.runs(), engine.schedules.all()
            document = {"runs": [r.as_json() for r in runs], "schedules": [s.as_json() for s in schedules]}
            call.answer(document, lambda: _all(runs, schedules))
        elif name in engine.schedules:
            if watch:
                raise UsageError("--watch follows a run, not a schedule", hint="Name one of its runs.")
            schedule_page.answer(call, engine.schedules.status(name))
        elif watch:
            _watch(engine, name)
        else:
            found = engine.status(name)
            call.answer(found.as_json(), lambda: status_page.page(found))
    return 0


def _all(runs: "Sequence[Status]", schedules: "Sequence[ScheduleStatus]") -> "RenderableType":
    from rich.console import Group

    from crossfade.cli import status_page

    pages = [status_page.all_runs(runs)] if runs or not schedules else []
    if runs and schedules:
        pages.append("")
    return Group(*pages, schedule_page.all_schedules(schedules)) if schedules else Group(*pages)


def _watch(engine: "Engine", name: str) -> None:
    from rich.live import Live

    from crossfade.cli.status_page import page

    where = console()
    if not where.is_terminal:
        _watch_in_lines(engine, name)
        return
    found = engine.status(name)
    # A page that is longer than the terminal is cut while it is redrawn; the last one is printed whole.
    with Live(page(found), console=where, auto_refresh=False, transient=True) as live:
        while found.state not in FINAL:
            time.sleep(_REFRESH_SECONDS)
            found = engine.status(name)
            live.update(page(found), refresh=True)
    where.print(page(found))


def _watch_in_lines(engine: "Engine", name: str) -> None:
    """Without a terminal a page cannot be redrawn: print it again where something has changed."""
    from crossfade.cli.status_page import page

    shown = None
    while True:
        found = engine.status(name)
        if found != shown:
            print_page(page(found))
            sys.stdout.flush()
        shown = found
        if found.state in FINAL:
            return
        time.sleep(_REFRESH_SECONDS)


def history(call: Call, run: Run) -> int:
    """Show the append-only record of a run or a schedule, oldest first."""
    name = run_name(run)
    with call.engine() as engine:
        entries = engine.schedules.history(name) if name in engine.schedules else engine.history(name)
    events = [{"at": e.at.isoformat(), "kind": e.kind, "actor": e.actor, "data": dict(e.data)} for e in entries]
    rows = [(moment(e.at), e.kind, e.actor, _facts(e.data)) for e in entries]
    call.answer({"name": name, "events": events}, lambda: table(("AT", "EVENT", "BY", "FACTS"), rows))
    return 0


def _facts(data: object) -> str:
    facts = data.items() if isinstance(data, dict) else ()
    return ", ".join(f"{name}={value}" for name, value in facts if value not in (None, [], {}))


COMMANDS = (status, history)
