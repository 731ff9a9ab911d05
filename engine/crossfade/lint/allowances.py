"""Findings that a comment allows, and what is wrong with such comments.

A comment stands on a statement where it is in front of it, inside it, or behind it on its last line. It allows the
rules that it names on that statement and on nothing else. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.lint.allowance_text import Allows, Comment, NoReason, Unclear, comments, read
from crossfade.lint.bookkeeping import (
    ALLOWANCE_OF_UNKNOWN_RULE,
    ALLOWANCE_UNCLEAR,
    ALLOWANCE_UNUSED,
    ALLOWANCE_WITHOUT_REASON,
)
from crossfade.lint.finding import Finding
from crossfade.lint.listing import all_rules, allowable, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.lint.rule import Rule
    from crossfade.migrations.script import Position, Script, Source

_FORM = "-- crossfade: allow RULE because REASON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Findings, with those about comments, and without those that a comment allows."""

    kept: tuple[Finding, ...]
    allowed: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Allowance:
    """A comment that allows something, and the statement that it stands on."""

    allows: Allows
    source: Source
    begin: int
    statement: int | None
    """Its number in the file; None where it stands on none."""


def weigh(findings: Iterable[Finding], scripts: Iterable[Script]) -> Weighed:
    """What is left of the findings once the comments of the scripts are heeded."""
    by_file: dict[Path, list[Script]] = {}
    for script in scripts:
        by_file.setdefault(script.source.path, []).append(script)
    files = {path: _File.of(found) for path, found in by_file.items()}
    kept, allowed = list[Finding](), list[Finding]()
    for finding in findings:
        file = files.get(finding.file)
        (allowed if file is not None and file.allows(finding) else kept).append(finding)
    told = [finding for file in files.values() for finding in file.told()]
    return Weighed(kept=(*kept, *told), allowed=tuple(allowed))


@dataclass(slots=True, kw_only=True)
class _File:
    """A file with its statements, its allowances, and those of them that were of use."""

    source: Source
    spans: Sequence[tuple[Position, Position]]
    """Begin and end of each statement, readable or not, in order."""
    allowances: Sequence[_Allowance]
    faults: Sequence[Finding]
    used: set[tuple[int, str]]
    """Begin of a comment, and the rule."""

    @classmethod
    def of(cls, scripts: Sequence[Script]) -> _File:
        """The file of these scripts, which are parts of it."""
        source = scripts[0].source
        found = list(comments(source.text))
        spans = _spans(scripts) if found else ()
        allowances, faults = list[_Allowance](), list[Finding]()
        for comment in found:
            said = read(comment.words)
            if isinstance(said, Allows):
                faults += _unknown(said, source, comment)
                statement = _stands_on(comment, spans, source.text)
                allowances.append(_Allowance(allows=said, source=source, begin=comment.begin, statement=statement))
            elif said is not None:
                faults.append(_fault(said, source, comment))
        placed = [(source.position(begin), source.position(end)) for begin, end in spans]
        return cls(source=source, spans=placed, allowances=allowances, faults=faults, used=set())

    def allows(self, finding: Finding) -> bool:
        """Whether a comment allows it; such comments were of use."""
        if not self.allowances or finding.rule not in allowable():
            return False
        statement = self._at(finding.position)
        found = [
            a
            for a in self.allowances
            if finding.rule in a.allows.rules
            and (a.allows.whole_file or (a.statement is not None and a.statement == statement))
        ]
        self.used |= {(a.begin, finding.rule) for a in found}
        return bool(found)

    def told(self) -> Iterator[Finding]:
        """What is wrong with the comments of the file."""
        yield from self.faults
        for allowance in self.allowances:
            for rule in allowance.allows.rules:
                if rule in allowable() and (allowance.begin, rule) not in self.used:
                    yield _unused(rule, allowance)

    def _at(self, position: Position) -> int | None:
        """The statement at a place; between two of them the latter, as comments are."""
        number = bisect_right(self.spans, position, key=lambda span: span[0]) - 1
        if number >= 0 and position <= self.spans[number][1]:
            return number
        return number + 1 if number + 1 < len(self.spans) else None


def _spans(scripts: Sequence[Script]) -> Sequence[tuple[int, int]]:
    return sorted(
        {(s.begin, s.end) for script in scripts for s in script.statements}
        | {(u.begin, u.begin) for script in scripts for u in script.unreadable}
    )


def _stands_on(comment: Comment, spans: Sequence[tuple[int, int]], text: str) -> int | None:
    number = bisect_right(spans, (comment.begin, len(text))) - 1
    if number >= 0 and comment.begin < spans[number][1]:
        return number
    has_next = number + 1 < len(spans)
    # `a; /* here */ b;`: what follows on the same line is nearer than what went before.
    leads = has_next and "\n" not in text[comment.begin : spans[number + 1][0]]
    if number >= 0 and not leads and "\n" not in text[spans[number][1] : comment.begin]:
        return number
    return number + 1 if has_next else None


def _unknown(said: Allows, source: Source, comment: Comment) -> Iterator[Finding]:
    for rule in said.rules:
        if rule in allowable():
            continue
        message = f"{rule} is about lint's own doings, and no comment can allow it."
        if rule not in all_rules():
            hint = did_you_mean(rule) or "crossfade lint --list has all names."
            message = f"there is no rule {rule}, so nothing is allowed by that name; {hint}"
        yield _told(ALLOWANCE_OF_UNKNOWN_RULE, source, comment.begin, message, None)


def _fault(said: NoReason | Unclear, source: Source, comment: Comment) -> Finding:
    if isinstance(said, NoReason):
        message = "the comment does not say why, so it allows nothing."
        return _told(ALLOWANCE_WITHOUT_REASON, source, comment.begin, message, _FORM)
    message = "the comment is meant for crossfade and cannot be understood, so it allows nothing."
    return _told(ALLOWANCE_UNCLEAR, source, comment.begin, message, _FORM)


def _unused(rule: str, allowance: _Allowance) -> Finding:
    where = "on the statement that the comment stands on"
    if allowance.allows.whole_file:
        where = "in this file"
    elif allowance.statement is None:
        where = "here: the comment stands on no statement"
    message = f"{rule} has nothing to say {where}, so there is nothing to allow."
    return _told(ALLOWANCE_UNUSED, allowance.source, allowance.begin, message, None)


def _told(rule: Rule, source: Source, begin: int, message: str, instead: str | None) -> Finding:
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        file=source.path,
        position=source.position(begin),
        message=message,
        instead=instead,
    )
