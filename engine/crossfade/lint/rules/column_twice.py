"""A column named twice where the server takes it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_VERBS = {"CreateStmt": "declares", "AlterTableStmt": "adds", "InsertStmt": "writes", "UpdateStmt": "sets"}


def _named(node: Any) -> list[str]:
    """The columns that the statement makes or writes, as often as it does."""
    match kind(node):
        case "CreateStmt":
            return [element.colname for element in node.tableElts or () if kind(element) == "ColumnDef"]
        case "AlterTableStmt":
            adds = (c for c in node.cmds if c.subtype.name == "AT_AddColumn" and not c.missing_ok)
            return [command.def_.colname for command in adds]
        case "InsertStmt":
            return [target.name for target in node.cols or () if not target.indirection]
        case "UpdateStmt":
            return [target.name for target in node.targetList if not target.indirection]
        case _:
            return []


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for name, times in Counter(_named(seen.tree)).items():
        if times > 1:
            yield Said(
                message=f"{_VERBS[kind(seen.tree)]} {quoted(name)} {'twice' if times == 2 else f'{times} times'}: "
                "the server refuses it.",
            )


RULE = Rule(
    id="column-twice",
    severity=Severity.ERROR,
    summary="a column is named twice, which the server refuses",
    explanation="""
CREATE TABLE and ADD COLUMN cannot make two columns of one name, INSERT cannot write one twice, UPDATE cannot set one
twice. The statement fails, and with it the migration.
""",
    statement=_statement,
)
