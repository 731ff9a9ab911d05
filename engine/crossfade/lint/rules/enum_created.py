"""CREATE TYPE … AS ENUM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import named
from crossfade.postgres.forecast.trees import kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if kind(seen.tree) == "CreateEnumStmt":
        enum = named(names(seen.tree.typeName))
        yield Said(
            message=f"makes the enum {enum}: no value can ever be taken out of it again without a new type.",
            instead="A table of the values with a foreign key to it; or text with a CHECK.",
        )


RULE = Rule(
    id="enum-created",
    severity=Severity.NOTE,
    opt_in=True,
    summary="a value of an enum cannot be removed",
    explanation="""
Values can be added to an enum and renamed, but not removed; their order is fixed. Rows of a table can be all of that. A
project that takes its enums to be closed lists turns this on.
""",
    statement=_statement,
)
