"""What a finding is known by from one run to the next, wherever its lines have moved to.

It is made of the rule, of the statement's text without its spaces and comments around it, and of a number where the
same is found several times in a file. Row counts and lines are no part of it. Pure.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.lint.finding import Finding
    from crossfade.migrations.script import Position, Script, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A finding, with what it is known by within its file."""

    finding: Finding
    fingerprint: str
    """32 hexadecimal digits."""
    about: str
    """The begin of the statement or line that it is about, on one line; empty where no text was read."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A file with its statements in order."""

    source: Source
    spans: Sequence[tuple[Position, Position, str]]


def known(findings: Iterable[Finding], scripts: Iterable[Script]) -> tuple[Known, ...]:
    """The findings, in the same order, each with its fingerprint."""
    parts: dict[Path, list[Script]] = {}
    for script in scripts:
        parts.setdefault(script.source.path, []).append(script)
    texts: dict[Path, _Text] = {}
    counts: Counter[tuple[Path, str, str]] = Counter()
    made = []
    for finding in findings:
        if finding.file in parts and finding.file not in texts:
            texts[finding.file] = _text(parts[finding.file])
        about = finding.about or _about(texts.get(finding.file), finding.position)
        key = (finding.file, finding.rule, about)
        counts[key] += 1
        mixed = "\0".join((finding.rule, about, str(counts[key])))
        digest = hashlib.sha256(mixed.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        made.append(Known(finding=finding, fingerprint=digest, about=about[:100]))
    return tuple(made)


def _text(scripts: Sequence[Script]) -> _Text:
    source = scripts[0].source
    spans = {(s.position, source.position(s.end), " ".join(s.text.split())) for p in scripts for s in p.statements}
    return _Text(source, sorted(spans))


def _about(text: _Text | None, position: Position) -> str:
    """The statement at that place; elsewhere the line."""
    if text is None:
        return ""
    number = bisect_right(text.spans, position, key=lambda span: span[0]) - 1
    if number >= 0 and position <= text.spans[number][1]:
        return text.spans[number][2]
    return " ".join(text.source.line(position.line).split())
