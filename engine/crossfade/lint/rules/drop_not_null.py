"""DROP NOT NULL of a column that running versions take for filled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.declared import alter_commands
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if not seen.goes_forward:
        return
    for command in alter_commands(seen, "DropNotNull"):
        table = seen.existing(seen.tree.relation)
        column = seen.existing_column(seen.tree.relation, command.name)
        if table is None or column is None or not (column.not_null or column.type == "unknown"):
            continue
        yield Said(
            message=f"lets {table.name}.{quoted(column.name)} be NULL: a running version that takes it for filled "
            "fails on the first row that a new one writes without it.",
            instead="After the last version that cannot read NULL there is no longer running; or write a value in its "
            "place until then.",
            is_planned=True,
        )


RULE = Rule(
    id="drop-not-null",
    severity=Severity.WARNING,
    breaks=True,
    summary="NULL in a column that had none breaks the versions of the app that are running",
    explanation="""
The statement takes a moment, under an ACCESS EXCLUSIVE lock. It is the first NULL that breaks what runs: an old version
was written, and often typed, for a column that always has a value.

Deploy first a version that can read NULL; then drop NOT NULL; then write NULL. The change `drop_not_null` waits with it
until contract, when no version is live that could not read NULL.
""",
    statement=_statement,
)
