"""Schedules as a person reads them: the page of one, a line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.cli.output import moment, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from crossfade.cli.call import Call
    from crossfade.workflow.schedule_status import FiringStatus, ScheduleStatus


def answer(call: Call, status: ScheduleStatus) -> int:
    """Print where a schedule stands, and succeed."""
    call.answer(status.as_json(), lambda: page(status))
    return 0


def page(status: ScheduleStatus) -> RenderableType:
    """Everything about a schedule."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text("\n".join(_head_lines(status)))]
    if status.firings:
        rows = [(moment(f.fire_time), f.outcome, f.run or "", _state(f), f.reason or "") for f in status.firings]
        parts += [Text(""), table(("FIRED", "OUTCOME", "RUN", "STATE", ""), rows)]
    return Group(*parts)


def all_schedules(schedules: Sequence[ScheduleStatus]) -> RenderableType:
    """A line for each schedule."""
    rows = [(s.name, s.state, f"{s.schedule.cron} {s.schedule.zone}", _next(s), _last(s.firings)) for s in schedules]
    return table(("SCHEDULE", "STATE", "WHEN", "NEXT", "LATEST"), rows)


def _head_lines(status: ScheduleStatus) -> Iterator[str]:
    said = status.schedule
    yield f"{status.name}: {status.state}, since {moment(status.state_since)}"
    yield f"fires at {said.cron}, {said.zone}; overlap: {said.overlap}, catch up: {said.catch_up}"
    if status.paused is not None and status.state == "paused":
        yield f"paused: {status.paused}"
        yield f"next: crossfade resume {status.name}"
    if status.next_fires:
        yield f"next: {', '.join(moment(at) for at in status.next_fires)}"
    if not status.firings:
        yield "It has not fired yet. A worker fires it: crossfade worker"


def _state(firing: FiringStatus) -> str:
    if firing.state is None:
        return ""
    held = "paused" if firing.paused is not None else "failed" if firing.failed else ""
    return f"{firing.state}, {held}" if held else firing.state.value


def _next(status: ScheduleStatus) -> str:
    return moment(status.next_fires[0]) if status.next_fires else ""


def _last(firings: Sequence[FiringStatus]) -> str:
    if not firings:
        return ""
    return f"{moment(firings[0].fire_time)}: {_state(firings[0]) or firings[0].outcome}"
