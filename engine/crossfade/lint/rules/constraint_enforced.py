"""ALTER CONSTRAINT … ENFORCED of a foreign key (PostgreSQL 18)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import commands
from crossfade.lint.cost import READ, blocked_by, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import table_of
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in commands(seen, "AlterConstraint"):
        if command.works_behind_lock:
            name, shown = quoted(command.node.def_.conname), table_of(command.relation)
            yield Said(
                message=f"looks up all rows of {command.table.name} for {name} while "
                f"{blocked_by(command.forecast)}, {how_long(1 / READ, command.table)}.",
                instead="-- the same foreign key again, as NOT VALID, validated in a transaction of its own; then:\n"
                f"ALTER TABLE {shown} DROP CONSTRAINT {name};",
            )


RULE = Rule(
    id="constraint-enforced",
    severity=Severity.ERROR,
    summary="ALTER CONSTRAINT … ENFORCED looks up all rows while reads and writes wait",
    explanation="""
From PostgreSQL 18 a foreign key can be NOT ENFORCED. Making it enforced takes an ACCESS EXCLUSIVE lock on its table and
a SHARE ROW EXCLUSIVE lock on the referenced one, and looks up all rows under them. A second foreign key beside it can
be added as NOT VALID and validated while writes go on; then the first one can go.
""",
    statement=_statement,
)
