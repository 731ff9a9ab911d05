"""What came of a command in each database of a fleet, as a person reads it, and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.cli.boundary import as_document, as_text
from crossfade.cli.output import table
from crossfade.fleet.report import Outcome, Report, Standing
from crossfade.observe.situation import span
from crossfade.observe.status_line import rows
from crossfade.workflow.results import Status

if TYPE_CHECKING:
    from rich.console import RenderableType

_COLUMNS = ("DATABASE", "STATE", "OUTCOME", "ROWS", "LEFT", "")


def document(report: Report) -> dict[str, Any]:
    """The document of every `fleet` command, without secrets."""
    found = report.as_json()
    for standing, entry in zip(report.databases, found["databases"], strict=True):
        if standing.error is not None:
            entry["error"] = as_document(standing.error)
    return found


def page(report: Report, name: str) -> RenderableType:
    """A line for each database, what is to be read in full, and the sum of it."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [table(_COLUMNS, [_row(standing) for standing in report.databases])]
    parts += [Text(f"\n{s.name}: {as_text(s.error)}") for s in report.databases if s.error and "\n" in s.error.message]
    parts += [
        Text(f"note: {s.name}: {c.object}: {c.message}" + (f" (--ack {c.ack} takes note of it)" if c.ack else ""))
        for s in report.databases
        for c in s.cautions
    ]
    parts.append(Text(f"\n{summary(report, name)}"))
    return Group(*parts)


def summary(report: Report, name: str) -> str:
    """How many databases ended how, and why no other was begun."""
    counts = ((outcome, report.count(outcome)) for outcome in Outcome)
    words = ", ".join(f"{count} {outcome.value.replace('_', ' ')}" for outcome, count in counts if count)
    text = f"{name} in {len(report.databases)} databases: {words}."
    if report.stopped is None:
        return text
    return f"{text}\nNo other database was begun: {report.stopped}. The same command goes on where it was."


def remark(standing: Standing) -> str:
    """What there is to say of a database, in one line."""
    if standing.error is not None:
        return as_text(standing.error).removeprefix("error: ").splitlines()[0]
    status = standing.status
    if isinstance(status, Status):
        if status.failed:
            return f"failed: {str(status.failed.get('message')).splitlines()[0]}"
        return "; ".join(status.next.blocked_by)
    if status is not None:
        return f"paused: {status.paused}" if status.paused is not None else ""
    return ""


def _row(standing: Standing) -> tuple[object, ...]:
    name = f"{standing.name} (canary)" if standing.is_canary else standing.name
    progress = standing.status.progress if isinstance(standing.status, Status) else None
    done = "" if progress is None else rows(progress)
    left = "" if progress is None or not progress.eta_seconds else span(progress.eta_seconds)
    outcome = standing.outcome.value.replace("_", " ")
    return (name, standing.state or "?", outcome, done, left, remark(standing))
