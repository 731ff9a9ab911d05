"""CREATE INDEX … USING hash."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import concurrently, statement
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if kind(seen.tree) == "IndexStmt" and seen.tree.accessMethod == "hash":
        changed = copy(seen.tree)
        changed.accessMethod = "btree"
        yield Said(
            message="builds a hash index: it finds equal values only, has one column, and cannot be unique.",
            instead=statement(changed) if seen.existing(changed.relation) is None else concurrently(changed),
        )


RULE = Rule(
    id="hash-index",
    severity=Severity.NOTE,
    opt_in=True,
    summary="a B-tree does what a hash index does, and more",
    explanation="""
A hash index answers = and nothing else: no ranges, no ORDER BY, no second column, no uniqueness. It can be smaller than
a B-tree where values are long. Mostly a B-tree is what was meant.
""",
    statement=_statement,
)
