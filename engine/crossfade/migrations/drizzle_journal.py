"""The journal of Drizzle 0.x, which says which migrations there are and in what order. Pure.

journal_of(text)            the document in a file
journal_text(document)      a file with it, as drizzle-kit writes it
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PLACE = "meta/_journal.json"
"""Below the folder of migrations."""


class NotAJournal(ValueError):
    """The text is none; the message goes on behind the file's name."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


def journal_of(text: str) -> Mapping[str, Any]:
    """The document, whose `entries` have a `tag` and a `when`. Raises NotAJournal."""
    try:
        document: Any = json.loads(text)
    except RecursionError:
        raise NotAJournal("is nested too deeply") from None
    except ValueError as error:
        raise NotAJournal(f"is not JSON: {error}", getattr(error, "lineno", 1)) from None
    entries = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise NotAJournal("has no `entries`, each with a `tag` and a `when`")
    return document


def journal_text(document: Mapping[str, Any]) -> str:
    """The same as a text."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("tag"), str) and _is_time(entry.get("when"))


def _is_time(when: object) -> bool:
    """Milliseconds as a bigint has them, since that is where Drizzle writes them; `true` is an int only in Python."""
    return type(when) is int and 0 <= when < 2**63
