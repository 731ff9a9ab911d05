"""Verdicts for GitHub Actions: workflow commands, which become annotations, and a table for the job's summary.

Whatever apps call themselves, a command stays one line, and a cell of the table one cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crossfade.observe.workflow_commands import command

CONFLICT = 5
"""The exit code of a run that is past its gates."""
_MARKS = {"PASS": "✅", "BLOCKED": "⛔", "UNKNOWN": "❔", "ERROR": "❌"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@$-])")
"""What Markdown, the HTML in it or GitHub's mentions would read as more than text."""


def commands(run: str, document: Mapping[str, Any]) -> Iterator[str]:
    """One command for each gate, and one for the verdict: errors for what holds the phase back."""
    for gate in document["gates"]:
        yield command(_level(gate), f"{gate['kind']} {gate['verdict']}", _message(gate))
    level = "notice" if document["verdict"] == "PASS" else "error"
    held_back = [gate["kind"] for gate in document["gates"] if _level(gate) == "error"]
    why = f", held back by {', '.join(held_back)}" if held_back else ""
    title = f"crossfade: {document['verdict']}"
    yield command(level, title, f"gates of {document['phase']} of {run}: {document['verdict']}{why}")


def failure(message: str, exit_code: int) -> str:
    """The command for gates that were not asked; that none is ahead any more is no error of a job."""
    return command("notice" if exit_code == CONFLICT else "error", "crossfade gate", message)


def summary(run: str, document: Mapping[str, Any]) -> str:
    """A Markdown table of the gates."""
    mark = _MARKS[document["verdict"]]
    lines = [
        f"### {mark} {_cell(run)}: gates of {document['phase']} are {document['verdict']}",
        "",
        "| gate | verdict | reason | what to do | checked |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(gate, depth) for gate, depth in _with_parts(document["gates"], 0)]
    if not document["gates"]:
        lines.append("| none | | | | |")
    return "\n".join([*lines, "", ""])


def append(file: str, text: str) -> None:
    """Add the text to the end of a file. Raises OSError."""
    with Path(file).open("a", encoding="utf-8") as opened:
        opened.write(text)


def _level(gate: Mapping[str, Any]) -> str:
    if gate["verdict"] == "PASS":
        return "notice"
    return "warning" if gate["mode"] == "observe" or gate.get("override") else "error"


def _message(gate: Mapping[str, Any]) -> str:
    hint = f"\nwhat to do: {gate['hint']}" if gate.get("hint") else ""
    return f"{gate['reason']}{_overridden(gate)}{hint}"


def _overridden(gate: Mapping[str, Any]) -> str:
    override = gate.get("override")
    if override is None:
        return ""
    return f"; overridden by {override['by']} until {override['until']} ({override['reason']})"


def _with_parts(gates: Any, depth: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    for gate in gates:
        yield gate, depth
        yield from _with_parts(gate.get("gates", ()), depth + 1)


def _row(gate: Mapping[str, Any], depth: int) -> str:
    only_observed = " (observed only)" if gate["mode"] == "observe" else ""
    cells = (
        f"{'&nbsp;&nbsp;' * depth}{_cell(gate['kind'])}{only_observed}",
        f"{_MARKS[gate['verdict']]} {gate['verdict']}",
        _cell(f"{gate['reason']}{_overridden(gate)}"),
        _cell(gate.get("hint") or ""),
        _cell(gate["checked_at"]),
    )
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
