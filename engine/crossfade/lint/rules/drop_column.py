"""DROP COLUMN of a column that running versions read or write."""

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
    for command in alter_commands(seen, "DropColumn"):
        table = seen.existing(seen.tree.relation)
        column = seen.existing_column(seen.tree.relation, command.name)
        if table is None or column is None:
            continue
        views = sorted({d.name for d in table.dependents_on(column.name) if "view" in d.kind})
        cascades = command.behavior.name == "DROP_CASCADE"
        lost = f" CASCADE takes {' and '.join(views)} along." if cascades and views else ""
        yield Said(
            message=f"drops {table.name}.{quoted(column.name)}: every running version that reads or writes it, "
            f"by name or in a query of all columns, fails from then on; its values are gone.{lost}",
            instead="In a migration of its own, after the last version that uses the column is no longer running.",
            is_planned=True,
        )


RULE = Rule(
    id="drop-column",
    severity=Severity.WARNING,
    breaks=True,
    summary="a dropped column breaks the versions of the app that are running",
    explanation="""
Dropping a column takes a moment, under an ACCESS EXCLUSIVE lock (and where it has a foreign key, on the referenced
table too). But ORMs list every column that they know in SELECT and INSERT, so that a version that knows the column
fails until it is stopped, and prepared statements with SELECT * fail once with "cached plan must not change result
type". What was in the column is gone.

Deploy first a version that does not use the column (in some ORMs it has to be told to ignore it), then drop it. The
change `drop_column` waits with the drop until contract, and can be rolled back until then. A column that the same
migration has added, and the way back, are no findings.
""",
    statement=_statement,
)
