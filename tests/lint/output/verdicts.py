"""A verdict with a bit of everything, for all forms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from crossfade.lint.finding import Severity
from crossfade.lint.verdict import Frame, Verdict, judge
from crossfade.migrations.migration import Problem
from crossfade.migrations.script import Position

from ..found import OTHER, RULE, about, report, script

FILES = {
    "m/1 ü.sql": "SELECT a; -- 日本\nSELECT 1,\n  b;\n",
    "m/2.sql": "SELECT c;",
    "m/3.sql": f"SELECT d; -- crossfade: allow {RULE} because it is new",
}


def verdict(frame: Frame | None = None) -> Verdict:
    """Two errors, a warning, a note, an allowed one, and a file that could not be read."""
    first, third = (script(FILES[path], path) for path in ("m/1 ü.sql", "m/3.sql"))
    found = [
        about(first, "a"),
        replace(about(first, "b", OTHER, Severity.WARNING), plan="crossfade: 1\nname: b\n"),
        replace(about(first, "b", severity=Severity.NOTE), position=Position(3, 3), end=None, instead=None),
        about(third, "d"),
    ]
    problem = Problem(file=Path("/else/4.py"), message="it is\x1b[31m Python.", hint="print it as SQL")
    return judge(report(FILES, found, [problem]), frame or Frame(here=Path("/shop")))
