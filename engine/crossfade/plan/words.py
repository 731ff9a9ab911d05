"""Pieces of messages about what a user wrote: values made safe to show, enumerations, the nearest known word."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN_AT_MOST = 60


def shown(value: object) -> str:
    """A value as a message shows it: in backticks, cut where long, without characters that would upset a terminal."""
    text = value if isinstance(value, str) else repr(value)
    cut = text if len(text) <= _SHOWN_AT_MOST else f"{text[: _SHOWN_AT_MOST - 1]}…"
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in cut)
    return f"`{safe}`"


def counted(number: int, noun: str) -> str:
    """A number of things: `1 session`, `12 sessions`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def one_of(words: Iterable[str]) -> str:
    """The words as an enumeration: `a`, `b` or `c`."""
    listed = [shown(w) for w in words]
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"


def nearest_word(word: str, words: Iterable[str]) -> str | None:
    """The known word that a typo most likely stands for, or None where nothing is near."""
    found = difflib.get_close_matches(word.casefold().replace("-", "_")[:100], list(words), n=1, cutoff=0.6)
    return found[0] if found else None


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The question that a typo deserves, or None where nothing is near."""
    found = nearest_word(word, words)
    return None if found is None else f"did you mean {shown(found)}?"
