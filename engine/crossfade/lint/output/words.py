"""What more than one form says in the same words: the count of findings, a finding's whole message, safe text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.plan.words import counted

if TYPE_CHECKING:
    from crossfade.lint.finding import Finding
    from crossfade.lint.verdict import Verdict


def summary(verdict: Verdict) -> str:
    """One line: how many findings of each severity, in how many files, and what was left out."""
    found = [counted(number, severity.word) for severity, number in verdict.counts.items() if number]
    where = counted(len(verdict.files), "file")
    said = f"{', '.join(found)} in {where}" if found else f"nothing found in {where}"
    left_out = [f"{verdict.allowed} allowed by comments"] if verdict.allowed else []
    left_out += [f"{verdict.in_baseline} in the baseline"] if verdict.in_baseline else []
    return "; ".join([said, *left_out])


def whole_message(finding: Finding) -> str:
    """The message with what to do, as plain text of several lines."""
    parts = [finding.message]
    if finding.instead is not None:
        parts.append(f"Instead:\n{finding.instead}")
    if finding.plan is not None:
        parts.append(f"Or as a plan:\n{finding.plan.rstrip()}")
    return "\n\n".join(parts)


def printable(text: str) -> str:
    """The text without what would steer a terminal: such a character is shown as a question mark."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else " " if c == "\t" else "?" for c in text)
