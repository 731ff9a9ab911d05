"""ADD VALUE without its place in the enum's order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import named
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import literal

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) == "AlterEnumStmt" and node.oldVal is None and node.newValNeighbor is None:
        enum, value = named(names(node.typeName)), literal(node.newVal)
        yield Said(
            message=f"adds {value} behind the last value of {enum}, whichever that is.",
            instead=f"ALTER TYPE {enum} ADD VALUE {value} AFTER 'the value before it';",
        )


RULE = Rule(
    id="enum-value-order",
    severity=Severity.NOTE,
    opt_in=True,
    summary="ADD VALUE without BEFORE or AFTER leaves the order to chance",
    explanation="""
Enums sort by the order of their values. Without BEFORE or AFTER a new one comes last, so that two migrations which are
applied in another order than they were written give another order of values. The place cannot be changed later.
""",
    statement=_statement,
)
