"""Waiting for gates, as a person sees it: who blocks, what to do about it, and until when a `hold` still runs.

At a terminal it is redrawn in place, on standard error; elsewhere the log says it, when the answer changes and every
10 s. How long something still takes is counted on from the database's clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crossfade.cli.blockers import Blocking, blocking
from crossfade.cli.call import only_our_errors
from crossfade.cli.output import table
from crossfade.observe.situation import span

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console, RenderableType

    from crossfade.cli.call import Call
    from crossfade.gates.verdict import PhaseVerdict
    from crossfade.workflow.engine import Engine

    Seen = Callable[[PhaseVerdict], None]

_MOST_SHOWN = 8
_COLUMNS = ("    WHO", "VERSION", "INSTANCE", "HOST", "SINCE", "SEEN BY")
_STYLES = {"PASS": "green", "BLOCKED": "red", "UNKNOWN": "yellow", "ERROR": "red"}


@contextmanager
def logged_gates(call: Call) -> Iterator[tuple[Engine, Seen]]:
    """The engine, whose events go to the log."""
    with call.working_engine() as (engine, _):
        yield engine, lambda _verdict: None


@contextmanager
def live_gates(call: Call, where: Console, run: str, patience: timedelta) -> Iterator[tuple[Engine, Seen]]:
    """The engine, and what takes in each look to draw it there."""
    from rich.live import Live

    from crossfade.cli.interrupts import stopping
    from crossfade.workflow.engine import Engine

    picture = _Picture(run, patience)
    with (
        only_our_errors(),
        Engine(call.database) as engine,
        stopping(engine),
        Live(get_renderable=picture.draw, console=where, refresh_per_second=4, transient=True),
    ):
        yield engine, picture.take


class _Picture:
    """The latest look, drawn with the time that has passed since."""

    def __init__(self, run: str, patience: timedelta) -> None:
        self._run = run
        self._ends = time.monotonic() + patience / timedelta(seconds=1)
        self._latest: tuple[Mapping[str, Any], float] | None = None

    def take(self, verdict: PhaseVerdict) -> None:
        self._latest = (verdict.as_json(), time.monotonic())

    def draw(self) -> RenderableType:
        from rich.text import Text

        now = time.monotonic()
        left = max(0.0, self._ends - now)
        if self._latest is None:
            return Text(f"asking the gates of {self._run}")
        document, at = self._latest
        return picture(self._run, document, waits_for=left, since_look=now - at)


def picture(run: str, document: Mapping[str, Any], *, waits_for: float, since_look: float) -> RenderableType:
    """The gates of a look some seconds ago, of a command that waits for so many more seconds."""
    from rich.console import Group
    from rich.text import Text

    head = f"{run}: gates of {document['phase']} are {document['verdict']}; waits for up to {span(waits_for)} more"
    parts: list[RenderableType] = [Text(head, style="bold")]
    for gate in document["gates"]:
        parts += _gate(gate, since_look)
    return Group(*parts)


def _gate(gate: Mapping[str, Any], since_look: float) -> Iterator[RenderableType]:
    from rich.text import Text

    style = _STYLES.get(gate["verdict"], "")
    observed = ", observed only" if gate["mode"] == "observe" else ""
    blockers = blocking(gate)
    line = Text(f"  {gate['verdict']:<8} ", style=style)
    line.append(f"{gate['kind']}{observed}", style="bold")
    if gate["verdict"] != "PASS":
        line.append(f": {gate['reason']}")
    yield line
    if gate["verdict"] == "PASS":
        return
    if blockers:
        yield table(_COLUMNS, [_row(one) for one in blockers[:_MOST_SHOWN]])
        if len(blockers) > _MOST_SHOWN:
            yield Text("    and more")
    if gate["hold_until"] is not None:
        yield Text(f"    {_countdown(gate, since_look)}", style="cyan")
    if gate["hint"] is not None:
        yield Text(f"    → {gate['hint']}", style="yellow")


def _row(one: Blocking) -> tuple[object, ...]:
    return (f"    {one.who}", one.version, one.instance, one.host, one.since, one.by)


def _countdown(gate: Mapping[str, Any], since_look: float) -> str:
    until = datetime.fromisoformat(gate["hold_until"])
    left = (until - datetime.fromisoformat(gate["checked_at"])) / timedelta(seconds=1) - since_look
    return f"{span(max(0.0, left))} until it is over, if nothing breaks it"
