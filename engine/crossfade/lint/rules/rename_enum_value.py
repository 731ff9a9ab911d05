"""ALTER TYPE … RENAME VALUE."""

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
    if not seen.goes_forward or kind(node) != "AlterEnumStmt" or node.oldVal is None:
        return
    enum, old, new = named(names(node.typeName)), literal(node.oldVal), literal(node.newVal)
    yield Said(
        message=f"renames the value {old} of {enum} to "
        f"{new}: every running version that writes {old} fails from then on, and one that reads it "
        "gets a value that it does not know.",
        instead=f"-- the new value beside the old one, and rows changed once no running version writes the old one\n"
        f"ALTER TYPE {enum} ADD VALUE {new} AFTER {old};",
        is_planned=True,
    )


RULE = Rule(
    id="rename-enum-value",
    severity=Severity.WARNING,
    breaks=True,
    summary="a renamed enum value breaks the versions of the app that are running",
    explanation="""
All rows that have the value show the new name at once. A running version that still writes the old one gets an error,
one that compares with it matches nothing, and one that checks what it reads against its own list refuses the rows.

The change `rename_enum_value` renames at contract, when the old version is gone; no row is touched.
""",
    statement=_statement,
)
