"""For people: each finding with the lines that it is about, what to do instead, and a count at the end."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.output.words import printable, summary

if TYPE_CHECKING:
    from crossfade.lint.finding import Finding
    from crossfade.lint.verdict import Told, Verdict
    from crossfade.migrations.script import Source

_LINES_SHOWN = 6
"""Of a statement; a longer one is shown without its middle."""
_COLOURS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;36"}
_FAINT, _BOLD = "34", "1"

Paint = Callable[[str, str], str]
"""A text in a colour, which is given as the terminal has it."""


def plain(text: str, _: str) -> str:
    """The text as it is, where there is no terminal."""
    return text


def in_colours(text: str, colour: str) -> str:
    """The text as a terminal shows it in that colour."""
    return f"\x1b[{colour}m{text}\x1b[0m"


def write(verdict: Verdict, paint: Paint = plain) -> str:
    """All findings and the count, with a blank line between them."""
    shown: set[str] = set()
    blocks = ["\n".join(_finding(told, verdict.sources.get(told.finding.file), paint, shown)) for told in verdict.told]
    return "\n\n".join([*blocks, paint(f"{summary(verdict)}.", _BOLD)]) + "\n"


def _finding(told: Told, source: Source | None, paint: Paint, shown: set[str]) -> Iterator[str]:
    """`shown` has the plans that were shown before; one that stands for several findings is shown once."""
    finding = told.finding
    colour = _COLOURS[finding.severity]
    yield f"{paint(f'{finding.severity.word}[{finding.rule}]', colour)}: {paint(printable(finding.message), _BOLD)}"
    margin = " " * len(str((finding.end or finding.position).line))
    place = f"{printable(told.file)}:{finding.position.line}:{finding.position.column}".replace("\n", "?")
    yield f"{margin}{paint('-->', _FAINT)} {place}"
    if source is not None and source.text:
        yield from _framed(finding, source, margin, paint)
    yield from _advice("instead", finding.instead, margin, paint)
    plan = finding.plan
    yield from _advice("or as a plan", f"{_name_of(plan)}, shown above" if plan in shown else plan, margin, paint)
    shown.update(() if plan is None else (plan,))


def _name_of(plan: str) -> str:
    return next(line.removeprefix("name: ") for line in plan.splitlines() if line.startswith("name: "))


def _framed(finding: Finding, source: Source, margin: str, paint: Paint) -> Iterator[str]:
    first, colour = finding.position, _COLOURS[finding.severity]
    last = finding.end if finding.end is not None else first
    yield f"{margin} {paint('|', _FAINT)}"
    one_line = last.line <= first.line
    numbers = range(first.line, max(first.line, last.line) + 1)
    for number in _shown(numbers):
        if number is None:
            yield f"{paint('...', _FAINT)}"
            continue
        beside = "" if one_line else paint("/ " if number == first.line else "| ", colour)
        left = paint(f"{number:>{len(margin)}} |", _FAINT)
        yield f"{left} {beside}{printable(source.line(number))}".rstrip()
    line = source.line(last.line if not one_line else first.line)
    if one_line:
        end = last.column - 1 if last > first else len(line)
        begin = first.column - 1
        marks = " " * _width(line[:begin]) + paint("^" * max(_width(line[begin:end].rstrip()), 1), colour)
    else:
        marks = paint(f"|{'_' * _width(line[: max(last.column - 2, 0)])}_^", colour)
    yield f"{margin} {paint('|', _FAINT)} {marks}"


def _shown(numbers: range) -> Iterator[int | None]:
    """The lines of a statement; None in place of those in its middle."""
    if len(numbers) <= _LINES_SHOWN:
        yield from numbers
        return
    yield from numbers[: _LINES_SHOWN - 2]
    yield None
    yield numbers[-1]


def _advice(word: str, text: str | None, margin: str, paint: Paint) -> Iterator[str]:
    if text is None:
        return
    lead = f"{margin} {paint('=', _FAINT)} {paint(f'{word}:', _BOLD)}"
    lines = printable(text).rstrip().split("\n")
    if len(lines) == 1:
        yield f"{lead} {lines[0]}"
        return
    yield lead
    yield from (f"{margin}     {line}".rstrip() for line in lines)


def _width(text: str) -> int:
    """Columns of a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
