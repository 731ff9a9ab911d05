"""Patterns of paths, as `exclude` in the settings has them: `*` and `?` within a name, `**` for any number of folders.

A pattern without `/` means a name in any folder, one with it a path below the settings' directory; one that fits a
folder fits all that is below it. Pure.
"""

from __future__ import annotations

import re
from functools import cache


def fits(path: str, pattern: str) -> bool:
    """Whether a path, relative and with `/`, is one that the pattern means."""
    return _compiled(pattern).match(path) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = pattern.strip("/").removeprefix("./").split("/")
    if len(parts) == 1 and not pattern.startswith("/"):
        parts = ["**", *parts]
    *folders, last = parts
    text = "".join("(?:[^/]+/)*" if part == "**" else f"{_name(part)}/" for part in folders)
    text += ".+" if last == "**" else _name(last)
    return re.compile(rf"{text}(?:/|\Z)", re.DOTALL)


def _name(part: str) -> str:
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character)) for character in part)
