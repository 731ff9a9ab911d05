"""RENAME COLUMN of a column that running versions read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if not seen.goes_forward or kind(node) != "RenameStmt" or node.renameType.name != "OBJECT_COLUMN":
        return
    table = seen.existing(node.relation)
    is_view = table is not None and table.kind in {"view", "materialized view"}
    if table is not None and (is_view or seen.existing_column(node.relation, node.subname) is not None):
        old = f"{table.name}.{quoted(node.subname)}"
        yield Said(
            message=f"renames {old} to {quoted(node.newname)}: "
            "every running version that reads or writes it by the old name fails from then on.",
            instead="Keep both names until no running version uses the old one: add the new column, keep the two equal "
            "by a trigger, fill it, and drop the old one in a later migration.",
            is_planned=table.kind in {"table", "partitioned"},
        )


RULE = Rule(
    id="rename-column",
    severity=Severity.WARNING,
    breaks=True,
    summary="a renamed column breaks the versions of the app that are running",
    explanation="""
The rename itself takes a moment, under an ACCESS EXCLUSIVE lock. But for as long as an old version of the app runs,
which during a deployment is always, its statements name a column that is no longer there. With the rename deployed
first the old version fails; with the app deployed first the new one does.

A column under both names has no such moment: add the new one, keep the two equal by triggers, fill the rows that are
there, and drop the old one once nobody reads it. The change `rename_column` does that. A column that the same migration
has added, and the way back, are no findings.
""",
    statement=_statement,
)
