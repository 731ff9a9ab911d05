"""ALTER SCHEMA … RENAME."""

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
    if not seen.goes_forward or kind(node) != "RenameStmt" or node.renameType.name != "OBJECT_SCHEMA":
        return
    yield Said(
        message=f"renames the schema {quoted(node.subname)} to {quoted(node.newname)}: every running version that "
        "names it, or has it in its search_path, finds none of its tables from then on.",
        instead=f"CREATE SCHEMA {quoted(node.newname)};\n"
        "-- move one table after the other, each with a view in the old schema in the same transaction",
    )


RULE = Rule(
    id="rename-schema",
    severity=Severity.WARNING,
    breaks=True,
    summary="a renamed schema takes all its tables away from the versions of the app that are running",
    explanation="""
A schema's name is in the statements of the app, in its search_path, in functions and in grants of default privileges.
After the rename all of them look in a schema that is not there.

Make the new schema, and move the tables one by one; a view in the old schema over each moved table keeps old versions
working. The change `rename_table` does that for one table.
""",
    statement=_statement,
)
