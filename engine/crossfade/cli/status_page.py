"""Runs as a person reads them: the page of one, the table of all, the lines after a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.cli.gate_page import verdict_lines
from crossfade.cli.output import moment, table
from crossfade.observe.situation import span
from crossfade.observe.status_line import StatusLines, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from crossfade.observe.figures import TableProgress
    from crossfade.workflow.results import PhaseStatus, Status, StepStatus

_STEP_COLUMNS = ("  STEP", "STATE", "ATTEMPTS", "LOCK WAIT", "TOOK", "WHAT")
_TABLE_COLUMNS = ("  TABLE", "ROWS", "OF", "DONE", "RATE", "LEFT", "")


def summary(status: Status) -> RenderableType:
    """Where a command left the run, and what is next."""
    from rich.text import Text

    lines = [f"{status.name} is {status.state}.", *_next_lines(status), *(f"note: {w}" for w in status.warnings)]
    return Text("\n".join(lines))


def page(status: Status) -> RenderableType:
    """Everything about a run."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text("\n".join(_head_lines(status)))]
    for phase in status.phases:
        parts += [Text(""), Text(_phase_line(phase), style="bold")]
        if phase.steps:
            parts.append(table(_STEP_COLUMNS, [_step_row(step) for step in phase.steps]))
        if phase.phase.value == "backfill" and status.progress is not None:
            parts.append(StatusLines(status.progress, indent=2))
            parts.append(table(_TABLE_COLUMNS, [_progress_row(t) for t in status.backfill]))
    for verdict in status.gates.values():
        parts += [Text(""), Text("\n".join(verdict_lines(verdict.as_json())))]
    return Group(*parts)


def all_runs(runs: Sequence[Status]) -> RenderableType:
    """A line for each run."""
    from rich.text import Text

    if not runs:
        return Text("No run yet. Start one with: crossfade start PLAN")
    rows = [(r.name, r.state, moment(r.state_since), _held(r), r.next.command or "") for r in runs]
    return table(("RUN", "STATE", "SINCE", "", "NEXT"), rows)


def _head_lines(status: Status) -> Iterator[str]:
    yield f"{status.name}: {status.state}, since {moment(status.state_since)}"
    if status.holder:
        yield f"driven by: {status.holder}"
    if status.paused is not None:
        yield f"paused: {status.paused}"
    if status.failed:
        yield from _failure_lines(status.failed)
    if status.retain_until is not None:
        yield f"the old data is kept until {moment(status.retain_until)}"
    yield from _next_lines(status)
    for warning in status.warnings:
        yield f"note: {warning}"


def _failure_lines(failed: Any) -> Iterator[str]:
    yield f"failed: {failed.get('message')}"
    if failed.get("hint"):
        yield f"  hint: {failed['hint']}"


def _next_lines(status: Status) -> Iterator[str]:
    if status.next.action is None:
        yield "next: nothing, it is finished"
        return
    yield f"next: {status.next.command}"
    if status.next.blocked_by:
        yield "what stands in the way:"
        yield from (f"  - {reason}" for reason in status.next.blocked_by)


def _held(run: Status) -> str:
    if run.failed:
        return "failed"
    return "paused" if run.paused is not None else ""


def _phase_line(phase: PhaseStatus) -> str:
    if phase.started_at is None:
        return f"{phase.phase}: {phase.state}"
    until = "" if phase.finished_at is None else f" to {moment(phase.finished_at)}"
    return f"{phase.phase}: {phase.state}, {moment(phase.started_at)}{until}"


def _step_row(step: StepStatus) -> Sequence[object]:
    if step.state == "pending":
        return (f"  {step.id}", step.state, "", "", "", step.title)
    return (
        f"  {step.id}",
        step.state,
        step.attempts,
        f"{step.lock_wait_ms:.0f} ms",
        f"{step.duration_ms:.0f} ms",
        step.title,
    )


def _progress_row(progress: TableProgress) -> Sequence[object]:
    rate = "" if progress.rows_per_second is None else f"{progress.rows_per_second:,.0f}/s"
    left = "" if progress.finished or progress.eta_seconds is None else span(progress.eta_seconds)
    estimated = "" if progress.rows_estimated is None else f"{progress.rows_estimated:,}"
    share = "" if progress.fraction is None else percent(progress.fraction)
    row = (f"  {progress.relation}", f"{progress.rows_done:,}", estimated, share, rate, left)
    return (*row, _remark(progress))


def _remark(progress: TableProgress) -> str:
    if progress.quarantined:
        return f"{progress.quarantined:,} row{'s' * (progress.quarantined != 1)} could not be migrated"
    if progress.throttled_by and not progress.finished:
        return f"throttled, {progress.throttled_by}"
    if progress.verified:
        return "filled and compared"
    return "filled" if progress.finished else ""
