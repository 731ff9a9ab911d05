"""UPDATE, DELETE or INSERT … SELECT over a whole table in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING

from crossfade.lint.cost import READ, WRITTEN, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.rows_touched import Whole, whole_table
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import BATCHES, batch
from crossfade.lint.written import shown, statement
from crossfade.postgres.forecast.trees import expression, kind
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    whole = whole_table(seen)
    # Under a stronger lock the rule work-while-lock-held speaks.
    if whole is None or any(held.mode >= LockMode.SHARE for held in seen.held.values()):
        return
    if whole.verb == "reads":
        message = f"reads all rows of {whole.table.name} in one transaction, {how_long(1 / READ, whole.table)}; "
        message += "VACUUM cleans up nothing meanwhile."
    else:
        message = f"{whole.verb} all rows of {whole.table.name} in one transaction, "
        message += f"{how_long(1 / WRITTEN, whole.table)}; each row stays locked until its end, and VACUUM cleans up "
        message += "nothing meanwhile."
    yield Said(
        message=message,
        instead=_instead(seen, whole),
        is_planned=True,
    )


def _instead(seen: SeenStatement, whole: Whole) -> str:
    if kind(seen.tree) not in {"UpdateStmt", "DeleteStmt"}:
        return "In batches, by ranges of the key, each in a transaction of its own."
    where = seen.tree.whereClause
    # Without a condition nothing would tell the rows that are done; for UPDATE the user has to name it.
    if whole.relation is not seen.tree.relation or (where is None and kind(seen.tree) == "UpdateStmt"):
        return "In batches, by ranges of the key, each in a transaction of its own."
    condition = shown(where) if where is not None else None
    changed = copy(seen.tree)
    changed.whereClause = expression(batch(whole.relation, whole.table, condition))
    return f"{BATCHES}\n{statement(changed)}"


RULE = Rule(
    id="whole-table-write",
    severity=Severity.WARNING,
    summary="all rows of a table are written or read in one transaction",
    explanation="""
An UPDATE or DELETE without a condition locks every row until its transaction ends: writes of the app wait for theirs.
It leaves a dead copy of each row behind, a long stretch of log that replicas have to catch up with, and a snapshot that
keeps VACUUM from cleaning up anywhere in the database. In batches, each in a transaction of its own, none of that
lasts.

It is found in DO blocks too, and in functions that the same file makes and then calls by SELECT, CALL or PERFORM,
itself or from one of them. What other functions do with rows is the app's own work.
""",
    statement=_statement,
)
