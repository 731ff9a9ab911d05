"""Statements outside of a transaction that fail when the file is applied again after it was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration

_GUARDS = {
    "CreateStmt": "if_not_exists",
    "IndexStmt": "if_not_exists",
    "CreateSchemaStmt": "if_not_exists",
    "CreateSeqStmt": "if_not_exists",
    "CreateExtensionStmt": "if_not_exists",
    "CreateTableAsStmt": "if_not_exists",
    "ViewStmt": "replace",
    "CreateFunctionStmt": "replace",
    "DropStmt": "missing_ok",
}
_COMMANDS = frozenset({"AT_AddColumn", "AT_DropColumn", "AT_DropConstraint"})
_WORDS = {"if_not_exists": "IF NOT EXISTS", "replace": "OR REPLACE", "missing_ok": "IF EXISTS"}


def _missing(node: Any) -> str | None:
    """The words by which the statement could run a second time, where it has not got them."""
    guard = _GUARDS.get(kind(node))
    if guard is not None:
        return None if getattr(node, guard) else _WORDS[guard]
    if kind(node) == "AlterEnumStmt" and node.oldVal is None:
        return None if node.skipIfNewValExists else "IF NOT EXISTS"
    for command in node.cmds if kind(node) == "AlterTableStmt" else ():
        if command.subtype.name in _COMMANDS and not command.missing_ok:
            return "IF NOT EXISTS" if command.subtype.name == "AT_AddColumn" else "IF EXISTS"
    return None


def _migration(migration: SeenMigration) -> Iterator[Said]:
    written = [seen for seen in migration.up if seen.inside is None]
    for seen in written if len(written) > 1 else ():
        words = _missing(seen.tree) if not seen.in_transaction else None
        if words is not None:
            yield Said(
                of=seen,
                message=f"without {words}, and outside of a transaction: if the migration is cut off after this, it "
                "fails here when it is applied again.",
                instead=f"… {words} …",
            )


RULE = Rule(
    id="not-repeatable",
    severity=Severity.NOTE,
    opt_in=True,
    summary="a file that was cut off cannot be applied again",
    explanation="""
Where a file does not run in one transaction, what came before a failure stays. With IF EXISTS and IF NOT EXISTS the
file can be applied again from its start. Mind that they look at names only: a table of other columns, or the invalid
index that a CREATE INDEX CONCURRENTLY left behind, counts as being there.
""",
    migration=_migration,
)
