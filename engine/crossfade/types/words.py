"""Comments of a database as lines of a source file. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def lines_of(comment: str) -> Sequence[str]:
    """The comment's lines, without what a reader of the file would not see."""
    lines = (
        "".join(c if c.isprintable() else " " if c == "\t" else "?" for c in line) for line in comment.splitlines()
    )
    return [line.rstrip() for line in lines]
