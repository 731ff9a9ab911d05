"""Workflow commands of GitHub Actions: an annotation for each finding, and a line with the count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.output.words import printable, summary, whole_message
from crossfade.observe.workflow_commands import command

if TYPE_CHECKING:
    from crossfade.lint.verdict import Told, Verdict

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def write(verdict: Verdict) -> str:
    """A command for each finding, on a line of its own."""
    return "\n".join([*map(_finding, verdict.told), f"{summary(verdict)}."]) + "\n"


def _finding(told: Told) -> str:
    finding = told.finding
    place = {"file": told.file, "line": str(finding.position.line), "col": str(finding.position.column)}
    if finding.end is not None and finding.end > finding.position:
        place["endLine"] = str(finding.end.line)
        if finding.end.line == finding.position.line:
            place["endColumn"] = str(finding.end.column)
    return command(_LEVELS[finding.severity], finding.rule, printable(whole_message(finding)), place)
