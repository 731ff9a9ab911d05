"""A foreign key between columns of different types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.rules.foreign_key_without_index import new_keys
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Column

_ALIKE = {"varchar": "text", "bpchar": "text"}


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for name, key in new_keys(seen):
        table = seen.after.tables[name]
        other = seen.after.tables.get(key.referenced) if key.referenced is not None else None
        if other is None:
            continue
        for own, there in zip(key.columns, key.referenced_columns, strict=False):
            here, far = table.column(own), other.column(there)
            if here is not None and far is not None and _differ(here, far):
                yield Said(
                    message=f"{name}.{quoted(own)} is {here.type}, and {other.name}.{quoted(there)}, where it points, "
                    f"is {far.type}.",
                    instead=f"{quoted(own)} {far.type}",
                )


def _differ(one: Column, other: Column) -> bool:
    bases = [_ALIKE.get(c.base_type.name, c.base_type.name) for c in (one, other)]
    return "unknown" not in bases and bases[0] != bases[1]


RULE = Rule(
    id="foreign-key-type-mismatch",
    severity=Severity.WARNING,
    summary="a foreign key between columns of different types",
    explanation="""
PostgreSQL takes a foreign key between columns of two types, if it can compare them. A narrower one cannot hold every
key of the other table: an integer that points at a bigint fails once the numbers are used up, and has to change its
type then. Between numeric and integer each comparison is a cast besides.
""",
    statement=_statement,
)
