"""Verdicts and their evidence as a person reads them, from their document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXIT_CODES = {"PASS": 0, "BLOCKED": 3}
UNPROVEN = 4
"""The exit code of UNKNOWN and ERROR."""


def verdict_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The answer of a phase's gates, each with its reason."""
    yield f"gates of {document['phase']}: {document['verdict']}"
    for gate in document["gates"]:
        yield _gate_line(gate)
    if not document["gates"]:
        yield "  none"


def evidence_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The same, with what each gate saw."""
    yield f"gates of {document['phase']}: {document['verdict']}"
    for gate in document["gates"]:
        yield _gate_line(gate)
        yield from _shown(gate["evidence"], " " * 11)
    if not document["gates"]:
        yield "  none"


def _gate_line(gate: Mapping[str, Any]) -> str:
    only_observed = ", observed only" if gate["mode"] == "observe" else ""
    return f"  {gate['verdict']:<8} {gate['kind']}{only_observed}: {gate['reason']}"


def _shown(value: Any, margin: str) -> Iterator[str]:
    """What a gate saw, whatever its form: one line for a fact, or for a row of facts."""
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, dict | list):
                if item:
                    yield f"{margin}{name}:"
                    yield from _shown(item, f"{margin}  ")
            else:
                yield f"{margin}{name}: {_plain(item)}"
    elif isinstance(value, list):
        for item in value:
            yield f"{margin}- {_row(item)}"
    elif value is not None:
        yield f"{margin}{_plain(value)}"


def _row(item: Any) -> str:
    if not isinstance(item, dict):
        return _plain(item)
    return ", ".join(f"{name} {_plain(fact)}" for name, fact in item.items() if fact is not None)


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
