"""One JSON document; its keys stand in docs/reference/json.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossfade.lint.verdict import Told, Verdict


def document(verdict: Verdict) -> dict[str, Any]:
    """The document, not yet written."""
    return {
        "findings": [_finding(told) for told in verdict.told],
        "files": list(verdict.files),
        "counts": {severity.word: number for severity, number in verdict.counts.items()},
        "allowed": verdict.allowed,
        "in_baseline": verdict.in_baseline,
        "fail_on": verdict.fail_on.value,
        "failed": verdict.failed,
    }


def write(verdict: Verdict) -> str:
    """The document; escapes keep it valid in whatever encoding it is written."""
    return json.dumps(document(verdict), indent=2) + "\n"


def _finding(told: Told) -> dict[str, Any]:
    finding = told.finding
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "file": told.file,
        "line": finding.position.line,
        "column": finding.position.column,
        "end_line": finding.end.line if finding.end is not None else None,
        "end_column": finding.end.column if finding.end is not None else None,
        "message": finding.message,
        "instead": finding.instead,
        "plan": finding.plan,
        "fingerprint": told.fingerprint,
    }
