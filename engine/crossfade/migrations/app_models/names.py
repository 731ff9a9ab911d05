"""Names of the database as an app's models can have them. Pure."""

from __future__ import annotations

import re

NAME = re.compile(r"[^\W\d_]\w*")
RESERVED = frozenset(
    {
        *("async", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete"),
        *("do", "else", "enum", "export", "extends", "false", "finally", "for", "function", "if", "implements"),
        *("import", "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected"),
        *("public", "return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "using", "var"),
        *("void", "while", "with", "yield"),
    }
)
"""Words of JavaScript that nothing can be called."""
_NO_WORD = re.compile(r"\W", re.ASCII)


def word_for(name: str, noun: str) -> str:
    """A name of the database, made a word that begins with a letter."""
    if NAME.fullmatch(name):
        return name
    word = _NO_WORD.sub("_", name).lstrip("_")
    return word if NAME.fullmatch(word) else f"{noun}_{word}"
