"""ADD PRIMARY KEY USING INDEX over a column that may be NULL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import added_constraints
from crossfade.lint.cost import READ, how_long, listed, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import add_constraint, not_null
from crossfade.postgres.forecast.proof import proves_not_null
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in added_constraints(seen, "PRIMARY"):
        added, table = command.added_constraint, command.table
        if added is None or not command.node.def_.indexname or not command.works_behind_lock:
            continue
        columns = [table.column(name) for name in added.columns]
        nullable = [
            c.name for c in columns if c and not table.never_null(c.name) and not proves_not_null(table, c.name)
        ]
        steps = [not_null(command.relation, table.name.name, name) for name in nullable]
        have = "has" if len(nullable) == 1 else "have"
        yield Said(
            message=f"reads all rows to see that {listed(list(map(quoted, nullable)))} {have} no NULL, while "
            f"{who_waits(LockMode.ACCESS_EXCLUSIVE, str(table.name))}, {how_long(1 / READ, table)}.",
            instead="\n".join([*steps, add_constraint(command.relation, command.node.def_)]),
            at=seen.statement.at(command.node.def_.location),
            is_planned=True,
        )


RULE = Rule(
    id="primary-key-on-nullable",
    severity=Severity.ERROR,
    summary="ADD PRIMARY KEY USING INDEX reads all rows of a column that may be NULL",
    explanation="""
ADD PRIMARY KEY USING INDEX takes a ready index, and makes its columns NOT NULL. For one that is not, all rows are read
under an ACCESS EXCLUSIVE lock, unless a valid CHECK (column IS NOT NULL) says already that there is no NULL.
""",
    statement=_statement,
)
