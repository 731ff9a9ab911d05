"""GitLab's report of code quality: a JSON list, of which a merge request shows what is new."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.output.words import whole_message

if TYPE_CHECKING:
    from crossfade.lint.verdict import Told, Verdict

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def write(verdict: Verdict) -> str:
    """The list; paths are below where the command was called, which has to be the project's own directory."""
    return json.dumps([_finding(told) for told in verdict.told], indent=2) + "\n"


def _finding(told: Told) -> dict[str, Any]:
    finding = told.finding
    return {
        "description": whole_message(finding),
        "check_name": finding.rule,
        "fingerprint": told.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": told.file, "lines": {"begin": finding.position.line}},
    }
