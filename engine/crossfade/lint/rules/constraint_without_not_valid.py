"""ADD CONSTRAINT of a CHECK or NOT NULL that looks at all rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import added_constraints
from crossfade.lint.cost import READ, how_long, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import not_null, not_valid_first
from crossfade.postgres.forecast.trees import names
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_FIRST_WITH_NOT_NULL_NOT_VALID = 180000


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in added_constraints(seen, "CHECK", "NOTNULL"):
        added = command.added_constraint
        if added is None or not command.works_behind_lock:
            continue
        node, table = command.node.def_, command.table
        if added.kind == "not_null" and seen.before.server_version < _FIRST_WITH_NOT_NULL_NOT_VALID:
            instead = not_null(command.relation, table.name.name, names(node.keys)[0])
        else:
            instead = not_valid_first(command.relation, node, added.name)
        yield Said(
            message=f"reads all rows for the constraint {quoted(added.name)} while "
            f"{who_waits(LockMode.ACCESS_EXCLUSIVE, str(table.name))}, {how_long(1 / READ, table)}.",
            instead=instead,
            at=seen.statement.at(node.location),
            is_planned=True,
        )


RULE = Rule(
    id="constraint-without-not-valid",
    severity=Severity.ERROR,
    summary="ADD CONSTRAINT … CHECK reads all rows while reads and writes wait",
    explanation="""
ADD CONSTRAINT of a CHECK takes an ACCESS EXCLUSIVE lock and reads every row under it. With NOT VALID it takes the lock
for a moment only: new rows are checked from then on, those that are there are not. VALIDATE CONSTRAINT reads them
later, under a SHARE UPDATE EXCLUSIVE lock, which reads and writes do not wait for.

The two have to be two transactions: a lock is kept until the end of its transaction, so that VALIDATE in the same one
reads the rows under the first statement's lock after all. From PostgreSQL 18 NOT NULL can be added as NOT VALID too;
before, a CHECK (column IS NOT NULL) does it.
""",
    statement=_statement,
)
