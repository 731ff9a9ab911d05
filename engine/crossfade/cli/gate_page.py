"""Verdicts and their evidence as a person reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def gate_lines(title: str, verdict: Mapping[str, Any]) -> Iterator[str]:
    """The verdict of a phase's gates, from its document, each with its reason."""
    yield f"{title}: {verdict['verdict']}"
    if not verdict["gates"]:
        yield "  none"
    for gate in verdict["gates"]:
        observed = " (observed only)" if gate["mode"] == "observe" else ""
        yield f"  {gate['verdict']:<8} {gate['kind']}{observed}: {gate['reason']}"


def evidence_lines(verdict: Mapping[str, Any]) -> Iterator[str]:
    """The same with what each gate saw."""
    for gate in verdict["gates"]:
        yield from gate_lines("", {"verdict": "", "gates": [gate]}) if False else ()
        yield from _evidence(gate["evidence"])


def _evidence(evidence: Any) -> Iterator[str]:
    yield json.dumps(evidence, default=str)
