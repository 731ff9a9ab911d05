"""A column of type json."""

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
        if not is_a(column, "json") or column.type.array:
            continue
        table = seen.existing(seen.tree.relation)
        breaks = table is not None and column.added and table.kind in {"table", "partitioned"}
        whom = "a running version's SELECT DISTINCT of whole rows fails" if breaks else "DISTINCT and UNION fail"
        yield Said(
            at=column.at,
            message=f"gives {column.shown} the type json, which has no equality: {whom} on it.",
            instead="jsonb",
            severity=Severity.WARNING if breaks else Severity.NOTE,
        )


RULE = Rule(
    id="json-column",
    severity=Severity.WARNING,
    summary="json has no equality: SELECT DISTINCT over it fails",
    explanation="""
The type json keeps the text as it was written, and has no = operator. A query that compares rows, by SELECT DISTINCT,
UNION or GROUP BY over all columns, fails as soon as the table has such a column; ORMs write such queries. jsonb has
equality, and indexes. In a table that was there before the finding is a warning; in a new one, a note.
""",
    statement=_statement,
)
