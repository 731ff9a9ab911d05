"""char(n)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.declared import declared, is_a
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for column in declared(seen):
        if is_a(column, "bpchar") and column.type.modifiers:
            yield Said(
                at=column.at,
                message=f"gives {column.shown} the type {column.type.spelled}, which fills each value up with blanks.",
                instead="text, with a CHECK of its length where that matters",
            )


RULE = Rule(
    id="char-column",
    severity=Severity.NOTE,
    opt_in=True,
    summary="char(n) fills up with blanks",
    explanation="""
char(n) is stored with blanks up to its length, shown with them, and compared without them; functions see them in some
places and not in others. It is neither smaller nor faster than text.
""",
    statement=_statement,
)
