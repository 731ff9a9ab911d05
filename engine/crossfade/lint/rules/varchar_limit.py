"""varchar(n)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.declared import declared, is_a
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for column in declared(seen):
        if is_a(column, "varchar") and column.type.modifiers:
            yield Said(
                at=column.at,
                message=f"limits {column.shown} to {column.type.modifiers[0]} characters by its type.",
                instead=f"text, with CHECK (length({quoted(column.name)}) <= {column.type.modifiers[0]})",
            )


RULE = Rule(
    id="varchar-limit",
    severity=Severity.NOTE,
    opt_in=True,
    summary="a limit in the type is hard to narrow",
    explanation="""
varchar(n) and text are stored alike. To narrow the limit of a varchar is a change of type, which reads all rows behind
an ACCESS EXCLUSIVE lock; a CHECK can be added NOT VALID and validated while everybody works. To widen it takes a
moment.
""",
    statement=_statement,
)
