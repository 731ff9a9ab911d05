"""DELETE without a condition, of a table that has rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rows_touched import is_met_by_all, run_by
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


_FOR_LATER = frozenset({"CreateFunctionStmt", "PrepareStmt", "RuleStmt"})
"""What they have in them does not run with them."""


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if not seen.goes_forward or kind(seen.tree) in _FOR_LATER:
        return
    for node in seen.nodes if run_by(seen.tree) is not None else ():
        if kind(node) != "DeleteStmt" or node.usingClause or not is_met_by_all(node.whereClause):
            continue
        table = seen.existing(node.relation)
        if table is not None and not seen.before.is_empty(table):
            yield Said(
                message=f"deletes all rows of {table.name}, with what ON DELETE CASCADE takes: only a backup has them.",
                instead="A condition that says which rows have to go.",
            )


RULE = Rule(
    id="delete-all-rows",
    severity=Severity.WARNING,
    breaks=True,
    summary="a DELETE without a condition empties a table",
    explanation="""
A DELETE without WHERE, or with a condition that every row meets, deletes whatever the table has when the migration
runs, in production as well as on the machine where it was written. The command `guard` calls a pending one unsafe. What
it costs is told by whole-table-write. A table that the same migration has made and the way back are no findings.
""",
    statement=_statement,
)
