"""From all that rules say to what is told: allowances, the project's settings, the baseline, and what it comes to.

    check → allowances → settings → baseline → a Verdict, which `output/*` write down

Pure: the caller says where it is, and which files are there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.lint.allowances import weigh
from crossfade.lint.baseline import Baseline, sift, stale, unused, written
from crossfade.lint.bookkeeping import ALLOWANCE_UNUSED, NOT_READ
from crossfade.lint.finding import Finding, Severity
from crossfade.lint.fingerprint import Known, known
from crossfade.lint.listing import all_rules
from crossfade.lint.settings import FailOn, LintSettings
from crossfade.migrations.script import Position

if TYPE_CHECKING:
    from crossfade.lint.check import Report
    from crossfade.migrations.migration import Project
    from crossfade.migrations.script import Script, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How findings are taken: by whose settings, where, and of which files."""

    settings: LintSettings = field(default_factory=LintSettings)
    fail_on: FailOn = FailOn.ERROR
    here: Path = field(default_factory=Path)
    """Where relative paths begin, and what shown paths are below."""
    baseline: Baseline | None = None
    is_there: Callable[[Path], bool] = lambda _: True
    """Whether a file or folder of the baseline still exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding as it is told."""

    finding: Finding
    file: str
    """Below where the command was called, with `/`; absolute elsewhere."""
    fingerprint: str
    """Stays when lines move; no other finding has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What lint has to say."""

    told: tuple[Told, ...]
    """By file, in the order in which they were read, then by place."""
    files: tuple[str, ...]
    """Every file that was looked at."""
    sources: Mapping[Path, Source]
    allowed: int = 0
    """Findings that a comment allows."""
    in_baseline: int = 0
    fail_on: FailOn = FailOn.ERROR
    baseline: str | None = None
    """The text of a baseline that has all of these findings."""

    @property
    def failed(self) -> bool:
        """Whether something is as bad as `fail_on` says, or worse."""
        return any(self.fail_on.fails(each.finding.severity) for each in self.told)

    @property
    def counts(self) -> Mapping[Severity, int]:
        """How many there are of each severity, the worst first."""
        found = Counter(each.finding.severity for each in self.told)
        return {severity: found[severity] for severity in sorted(Severity, reverse=True)}


def judge(report: Report, frame: Frame) -> Verdict:
    """What is told of all that was found."""
    scripts = tuple(_scripts(report.projects))
    looked_at = _looked_at(report.projects)
    weighed = weigh((*_not_read(report.projects), *report.findings), scripts)
    lacking = (project.root for project in report.projects if any(past.gone for past in project.past))
    places = {**looked_at, **dict.fromkeys(lacking, len(looked_at))}
    found = [f for f in _in_force(weighed.kept, frame.settings) if f.file in places and not _is_idle(f, report)]
    findings: tuple[Known, ...] = known(_in_order(found, places), scripts)
    sources = {script.source.path: script.source for script in scripts}
    in_baseline, text = 0, None
    if frame.baseline is not None:
        sifted = sift(findings, frame.baseline, frame.here)
        gone = stale(sifted.unmatched, frame.baseline, frame.here, places.keys() - _applied(report), frame.is_there)
        text = written(findings, set(sifted.unmatched) - set(gone), frame.baseline, frame.here)
        about_entries = _in_force(unused(gone, frame.baseline), frame.settings)
        findings, in_baseline = (*sifted.kept, *known(about_entries, ())), sifted.in_baseline
        sources[frame.baseline.path] = frame.baseline.source
    return Verdict(
        told=tuple(_told(findings, frame.here)),
        files=tuple(dict.fromkeys(_shown(file, frame.here) for file in looked_at)),
        sources=sources,
        allowed=sum(f.file in looked_at for f in _in_force(weighed.allowed, frame.settings)),
        in_baseline=in_baseline,
        fail_on=frame.fail_on,
        baseline=text,
    )


def _scripts(projects: Iterable[Project]) -> Iterator[Script]:
    for project in projects:
        for migration in project.migrations:
            yield from (script for script in (migration.up, migration.down) if script is not None)


def _looked_at(projects: Iterable[Project]) -> Mapping[Path, int]:
    """The files that were asked for, each with its place in the order in which they were read."""
    files: dict[Path, None] = {}
    for project in projects:
        read = [script.source.path for script in _scripts([project])]
        read += [problem.file for problem in project.problems]
        files |= dict.fromkeys(file for file in read if project.asks_for(file))
    return {file: number for number, file in enumerate(files)}


def _applied(report: Report) -> frozenset[Path]:
    return frozenset(file for project in report.projects for file in project.applied)


def _is_idle(finding: Finding, report: Report) -> bool:
    """About an allowance in a file that is applied, where no statement was looked at."""
    return finding.rule == ALLOWANCE_UNUSED.id and finding.file in _applied(report)


def _not_read(projects: Iterable[Project]) -> Iterator[Finding]:
    for project in projects:
        for problem in project.problems:
            yield Finding(
                rule=NOT_READ.id,
                severity=NOT_READ.severity,
                file=problem.file,
                position=Position(problem.line, problem.column),
                message=problem.message,
                instead=problem.hint,
            )


def _in_force(findings: Iterable[Finding], settings: LintSettings) -> Iterator[Finding]:
    """Those of rules that the project asks, as severe as it says."""
    for finding in findings:
        rule = all_rules()[finding.rule]
        if settings.asks(rule) and rule.id not in settings.disable:
            severity = settings.severity.get(rule.id, finding.severity)
            yield finding if severity is finding.severity else replace(finding, severity=severity)


def _in_order(findings: Iterable[Finding], places: Mapping[Path, int]) -> list[Finding]:
    return sorted(findings, key=lambda f: (places[f.file], f.position))


def _told(findings: Sequence[Known], here: Path) -> Iterator[Told]:
    shown = {file: _shown(file, here) for file in {each.finding.file for each in findings}}
    for each in findings:
        file = shown[each.finding.file]
        mixed = hashlib.sha256(f"{file}\0{each.fingerprint}".encode("utf-8", "surrogatepass")).hexdigest()
        yield Told(finding=each.finding, file=file, fingerprint=mixed[:32])


def _shown(file: Path, here: Path) -> str:
    below = file.is_absolute() and here.is_absolute() and file.is_relative_to(here)
    return (file.relative_to(here) if below else file).as_posix()
