"""What a comment allows: `crossfade: allow RULE[, RULE] because REASON`, or `allow-file` for the whole file.

    -- crossfade: allow index-not-concurrently because the table has ten rows
    /* crossfade: allow-file drop-column, drop-table because nothing has read them since 2.4 */

Comments are found by PostgreSQL's own scanner, also in the bodies of functions and DO blocks, so a string that looks
like one is none. What cannot be understood, or has no reason, allows nothing. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from crossfade.migrations.psql_text import without_psql

_OURS = re.compile(r"crossfade\s*:\s*(?P<rest>.*)", re.DOTALL | re.IGNORECASE)
_NEARLY_OURS = re.compile(r"crossfade[\s:;,.-]+(?:allow|ignore|disable)\b", re.IGNORECASE)
_ALLOWS = re.compile(r"(?P<word>allow|allow-file)\s+(?P<what>\S.*)", re.DOTALL)
_BECAUSE = re.compile(r"\s+because\b(?P<reason>.*)", re.DOTALL)
_RULES = re.compile(r"[\w-]+(?:\s*,\s*[\w-]+)*")
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment of a text, with what it says."""

    begin: int
    end: int
    """Behind its last character."""
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allows:
    """What a comment allows."""

    rules: tuple[str, ...]
    reason: str
    whole_file: bool


@dataclass(frozen=True, slots=True)
class NoReason:
    """It would allow something, and does not say why."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """It is meant for us, and cannot be understood."""


def comments(text: str) -> Iterator[Comment]:
    """The comments of a text that speak of crossfade, in order; none where it cannot be scanned."""
    yield from _comments(without_psql(text), 0) if "crossfade" in text.casefold() else ()


def read(words: str) -> Allows | NoReason | Unclear | None:
    """What a comment says to us; None where it is not meant for us."""
    found = _OURS.match(words)
    if found is None:
        return Unclear() if _NEARLY_OURS.match(words) else None
    allows = _ALLOWS.fullmatch(found["rest"].strip())
    if allows is None:
        return Unclear()
    because = _BECAUSE.search(f" {allows['what']}")
    named = allows["what"] if because is None else f" {allows['what']}"[: because.start()]
    if _RULES.fullmatch(named.strip()) is None:
        return Unclear()
    reason = " ".join(because["reason"].split()) if because is not None else ""
    if not any(character.isalnum() for character in reason):
        return NoReason()
    rules = tuple(dict.fromkeys(rule.strip() for rule in named.split(",")))
    return Allows(rules=rules, reason=reason, whole_file=allows["word"] == "allow-file")


def _comments(text: str, origin: int) -> Iterator[Comment]:
    from pglast.parser import ParseError, scan

    try:
        tokens = scan(text)
    except (ParseError, UnicodeError):
        return
    for token in tokens:
        found = text[token.start : token.end + 1]
        if "crossfade" not in found.casefold():
            continue
        if token.name in {"SQL_COMMENT", "C_COMMENT"}:
            words = found[2:] if token.name == "SQL_COMMENT" else found[2:-2]
            yield Comment(begin=origin + token.start, end=origin + token.end + 1, words=words.strip())
        elif token.name == "SCONST" and (quote := _DOLLAR.match(found)) is not None:
            yield from _comments(found[quote.end() : -quote.end()], origin + token.start + quote.end())
