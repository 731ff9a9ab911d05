"""Verdicts and their evidence as a person reads them, from their document."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossfade.cli.output import moment, plain, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

EXIT_CODES = {"PASS": 0, "BLOCKED": 3}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_ONLY_IN_JSON = frozenset({"words", "digest"})
"""What a page would only repeat."""
UNPROVEN = 4
"""The exit code of UNKNOWN and ERROR."""


def verdict_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The answer of a phase's gates, each with its reason."""
    yield f"gates of {document['phase']}: {document['verdict']}"
    for gate in document["gates"]:
        yield from _gate_lines(gate)
    if not document["gates"]:
        yield "  none"


def evidence(document: Mapping[str, Any]) -> RenderableType:
    """The same, with what each gate saw."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(f"gates of {document['phase']}: {document['verdict']}")]
    for gate in document["gates"]:
        parts += _with_evidence(gate)
    if not document["gates"]:
        parts.append(Text("  none"))
    return Group(*parts)


def _with_evidence(gate: Mapping[str, Any], depth: int = 0) -> Iterator[RenderableType]:
    from rich.padding import Padding
    from rich.text import Text

    yield Text("\n".join(_own_lines(gate, depth)))
    for part in _shown(gate["evidence"]):
        yield Padding(part, (0, 0, 0, 11 + 2 * depth), expand=False)
    for inner in gate.get("gates", ()):
        yield from _with_evidence(inner, depth + 1)


def _gate_lines(gate: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    yield from _own_lines(gate, depth)
    for inner in gate.get("gates", ()):
        yield from _gate_lines(inner, depth + 1)


def _own_lines(gate: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The answer, and what to do about it."""
    yield _gate_line(gate, depth)
    if gate.get("hint"):
        yield f"           {'  ' * depth}→ {gate['hint']}"


def _gate_line(gate: Mapping[str, Any], depth: int) -> str:
    only_observed = ", observed only" if gate["mode"] == "observe" else ""
    override = gate.get("override")
    overridden = ""
    if override is not None:
        until = moment(datetime.fromisoformat(override["until"]))
        overridden = f", overridden by {override['by']} until {until} ({override['reason']})"
    return f"  {'  ' * depth}{gate['verdict']:<8} {gate['kind']}{only_observed}{overridden}: {plain(gate['reason'])}"


def _shown(evidence: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What a gate saw, whatever its form: a line for each fact, a table for facts of one form."""
    from rich.text import Text

    for name, value in evidence.items():
        rows = _rows(value)
        if rows:
            yield Text(f"{name}:")
            yield _table(rows)
        elif value not in (None, [], {}):
            yield Text(plain(f"{name}: {_plain(value)}"))


def _rows(value: Any) -> list[Mapping[str, Any]]:
    """The rows that a list of facts, or facts by name, comes to; none for anything else."""
    if isinstance(value, dict):
        value = [{"": name, **facts} if isinstance(facts, dict) else facts for name, facts in value.items()]
    every = isinstance(value, list) and all(isinstance(row, dict) for row in value)
    return value if every else []


def _table(rows: list[Mapping[str, Any]]) -> RenderableType:
    names = [name for name in rows[0] if name not in _ONLY_IN_JSON]
    filled = [name for name in names if any(row.get(name) not in (None, [], {}) for row in rows)]
    heads = [f"{'  ' * (not n)}{name.upper().replace('_', ' ')}" for n, name in enumerate(filled)]
    cells = [[_plain(row.get(name)) for name in filled] for row in rows]
    return table(heads, [[f"  {first}", *rest] for first, *rest in cells])


def _plain(value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return moment(datetime.fromisoformat(value)) if isinstance(value, str) and _TIME.match(value) else str(value)
