"""Findings that a test puts into files of its own, and what comes of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.lint.check import Report
from crossfade.lint.finding import Finding, Severity
from crossfade.migrations.migration import Migration, Problem, Project, Tool
from crossfade.migrations.script import Script, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RULE = "index-not-concurrently"
OTHER = "set-not-null"


def script(text: str, path: str = "a.sql") -> Script:
    """A file of that text."""
    return Script(source=Source(Path(path), text))


def about(of: Script, word: str, rule: str = RULE, severity: Severity = Severity.ERROR) -> Finding:
    """A finding about the first statement that has the word in it."""
    statement = next(s for s in of.statements if re.search(rf"\b{word}\b", s.text))
    return Finding(
        rule=rule,
        severity=severity,
        file=of.source.path,
        position=statement.position,
        end=of.source.position(statement.end),
        message=f"waits for {word}.",
        instead=f"-- another way\n{word};",
    )


def report(
    files: Mapping[str, str],
    findings: Iterable[Finding],
    problems: Iterable[Problem] = (),
    asked: frozenset[Path] | None = None,
) -> Report:
    """What `check` would give for these files, had its rules said that."""
    migrations = tuple(Migration(name=path, file=Path(path), up=script(text, path)) for path, text in files.items())
    project = Project(tool=Tool.PLAIN, root=Path(), migrations=migrations, problems=tuple(problems), asked=asked)
    return Report(projects=(project,), findings=tuple(findings))
