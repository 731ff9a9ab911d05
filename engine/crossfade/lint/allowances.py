"""Findings that a comment allows, and what is wrong with such comments.

A comment stands on a statement where it is in front of it, inside it, or behind it on its last line; in a body that is
a statement of the body. It allows the rules that it names on that statement and on nothing else. Pure.
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
from crossfade.lint.called import with_bodies
from crossfade.lint.finding import Finding
from crossfade.lint.listing import all_rules, allowable, did_you_mean
from crossfade.lint.psql_copies import with_copies

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.lint.rule import Rule
    from crossfade.migrations.script import Position, Script, Source

_Span = tuple[int, int]
"""Begin and end in the text."""
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
    statement: _Span | None
    """Begin and end of it; None where it stands on none."""


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
    spans: Sequence[_Span]
    """Of each statement, readable or not, in order."""
    inner: Sequence[_Span]
    """Of each statement in the body of one, in order."""
    allowances: Sequence[_Allowance]
    faults: Sequence[Finding]
    used: set[tuple[int, str]]
    """Begin of a comment, and the rule."""

    @classmethod
    def of(cls, scripts: Sequence[Script]) -> _File:
        """The file of these scripts, which are parts of it."""
        source = scripts[0].source
        found = list(comments(source.text))
        spans, inner = (_spans(scripts), _inner(scripts)) if found else ((), ())
        allowances, faults = list[_Allowance](), list[Finding]()
        for comment in found:
            said = read(comment.words)
            if isinstance(said, Allows):
                faults += _unknown(said, source, comment)
                statement = _stands_on(comment, spans, inner, source.text)
                allowances.append(_Allowance(allows=said, source=source, begin=comment.begin, statement=statement))
            elif said is not None:
                faults.append(_fault(said, source, comment))
        return cls(source=source, spans=spans, inner=inner, allowances=allowances, faults=faults, used=set())

    def allows(self, finding: Finding) -> bool:
        """Whether a comment allows it; such comments were of use."""
        if not self.allowances or finding.rule not in allowable():
            return False
        statement = self._at(finding.position)
        found = [
            a
            for a in self.allowances
            if finding.rule in a.allows.rules and (a.allows.whole_file or _is_one(a.statement, statement))
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

    def _at(self, position: Position) -> _Span | None:
        """The statement at a place, the innermost; between two of them the latter, as comments are."""

        def begins(span: _Span) -> Position:
            return self.source.position(span[0])

        def last(spans: Sequence[_Span]) -> int:
            return bisect_right(spans, position, key=begins) - 1

        def has(span: _Span) -> bool:
            return begins(span) <= position <= self.source.position(span[1])

        within = next((span for span in reversed(self.inner[: last(self.inner) + 1]) if has(span)), None)
        if within is not None:
            return within
        number = last(self.spans)
        if number >= 0 and has(self.spans[number]):
            return self.spans[number]
        return self.spans[number + 1] if number + 1 < len(self.spans) else None


def _is_one(allowed: _Span | None, found: _Span | None) -> bool:
    """Whether they are the same statement, or one of them is in the body of the other."""
    if allowed is None or found is None:
        return False
    outer, inner = sorted((allowed, found), key=lambda span: span[0] - span[1])
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _spans(scripts: Sequence[Script]) -> Sequence[_Span]:
    return sorted(
        {(s.begin, s.end) for script in scripts for s in with_copies(script)}
        | {(u.begin, u.begin) for script in scripts for u in script.unreadable}
    )


def _inner(scripts: Sequence[Script]) -> Sequence[_Span]:
    found = (bodies for script in scripts for _, bodies in with_bodies(script.statements))
    return sorted({(s.begin, s.end) for bodies in found for body in bodies for s in body.statements})


def _stands_on(comment: Comment, spans: Sequence[_Span], inner: Sequence[_Span], text: str) -> _Span | None:
    outer = _nearest(comment, spans, text)
    if outer is None or not outer[0] <= comment.begin < outer[1]:
        return outer
    own = [span for span in inner if outer[0] <= span[0] and span[1] <= outer[1]]
    # Behind the last one it stands on none of them.
    return (_nearest(comment, own, text) or (comment.begin, comment.begin)) if own else outer


def _nearest(comment: Comment, spans: Sequence[_Span], text: str) -> _Span | None:
    number = bisect_right(spans, (comment.begin, len(text))) - 1
    if number >= 0 and comment.begin < spans[number][1]:
        return spans[number]
    following = spans[number + 1] if number + 1 < len(spans) else None
    # `a; /* here */ b;`: what follows on the same line is nearer than what went before.
    leads = following is not None and "\n" not in text[comment.begin : following[0]]
    if number >= 0 and not leads and "\n" not in text[spans[number][1] : comment.begin]:
        return spans[number]
    return following


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
