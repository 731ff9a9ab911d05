"""Foreign keys between several tables in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import added_constraints
from crossfade.lint.cost import listed
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement
    from crossfade.migrations.script import SqlStatement


def _migration(migration: SeenMigration) -> Iterator[Said]:
    earlier = Counter[object]()
    for seen in (*migration.up, *migration.down):
        # One finding for a transaction: the third and later ones follow from the second.
        if earlier[seen.transaction] == 1:
            yield from _second(seen)
        earlier[seen.transaction] += _adds_key(seen.statement)


def _second(seen: SeenStatement) -> Iterator[Said]:
    own = [c for c in added_constraints(seen, "FOREIGN") if len(c.forecast.locks) > 1]
    if not own or not seen.in_transaction:
        return
    before = {name: held for name, held in seen.held.items() if _adds_key(held.by)}
    tables = [lock.relation for lock in seen.forecast.locks if lock.relation not in before]
    if before and tables:
        line = min(held.by.position.line for held in before.values())
        yield Said(
            of=seen,
            message=f"asks for locks on {listed(tables)} while those on {listed(list(before))}, taken on line {line}, "
            "are kept: writes of all of them wait, and a transaction that wants them in another order ends in a "
            "deadlock.",
            instead="One foreign key in each transaction: with most tools, in each migration.",
            is_planned=True,
        )


def _adds_key(statement: SqlStatement) -> bool:
    tree = statement.tree
    return kind(tree) == "AlterTableStmt" and any(
        c.subtype.name == "AT_AddConstraint" and c.def_.contype.name == "CONSTR_FOREIGN" for c in tree.cmds
    )


RULE = Rule(
    id="several-foreign-keys",
    severity=Severity.WARNING,
    summary="foreign keys of several tables are added in one transaction",
    explanation="""
ADD FOREIGN KEY takes a SHARE ROW EXCLUSIVE lock on both tables, even with NOT VALID, and keeps it until the end of the
transaction. A second one in the same transaction asks for more tables while it holds the first ones: writes of all wait
meanwhile, and a transaction of the app that writes them in another order ends in a deadlock. One in each transaction
holds two tables for a moment.
""",
    migration=_migration,
)
