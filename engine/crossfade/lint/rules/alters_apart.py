"""Several ALTER TABLEs of one table, one after the other, that could be one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_MERGED_AS_WELL = frozenset({"AT_AddColumn", "AT_ColumnDefault", "AT_DropColumn", "AT_DropNotNull"})
"""Others may cost more in one statement: a CHECK that is dropped with it proves nothing to SET NOT NULL."""


def _table(seen: SeenStatement) -> str | None:
    """The table that it alters, if that could as well be done by another ALTER TABLE of it."""
    node = seen.tree
    if kind(node) != "AlterTableStmt" or node.objtype.name != "OBJECT_TABLE" or seen.inside is not None:
        return None
    table = seen.existing(node.relation)
    if table is None or not all(c.subtype.name in _MERGED_AS_WELL for c in node.cmds):
        return None
    takes_all = any(lock.mode is LockMode.ACCESS_EXCLUSIVE for lock in seen.forecast.locks)
    return str(table.name) if takes_all else None


def _migration(migration: SeenMigration) -> Iterator[Said]:
    for one, other in pairwise(migration.steps):
        table = _table(other)
        if table is not None and table == _table(one) and not other.in_transaction:
            yield Said(
                of=other,
                message=f"alters {table} a second time: reads and writes of it wait for each of the two.",
                instead=f"One ALTER TABLE {table} with both parts.",
            )


RULE = Rule(
    id="alters-apart",
    severity=Severity.NOTE,
    opt_in=True,
    summary="two ALTER TABLEs of one table take its lock twice",
    explanation="""
Each ALTER TABLE waits for the ACCESS EXCLUSIVE lock anew, and everybody behind it. Several parts in one statement wait
once. In a transaction the lock is kept anyway, and nothing is said; nor of parts that are better apart: SET NOT NULL
and the drop of the CHECK that proves it read all rows when they are one statement.
""",
    migration=_migration,
)
