"""ADD CONSTRAINT … EXCLUDE, which cannot take a ready index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import added_constraints
from crossfade.lint.cost import INDEXED, how_long, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in added_constraints(seen, "EXCLUSION"):
        added = command.added_constraint
        if added is not None and command.works_behind_lock:
            yield Said(
                message=f"builds the index of {quoted(added.name)}, and compares all rows with each other, while "
                f"{who_waits(LockMode.ACCESS_EXCLUSIVE, str(command.table.name))}, "
                f"{how_long(2 / INDEXED, command.table)}.",
                instead="PostgreSQL has no way to add it to the table in steps. A new table with the constraint, kept "
                "equal by triggers and filled in batches, can take the old one's place.",
                at=seen.statement.at(command.node.def_.location),
            )


RULE = Rule(
    id="exclusion-constraint",
    severity=Severity.ERROR,
    summary="ADD CONSTRAINT … EXCLUDE builds its index while reads and writes wait",
    explanation="""
An exclusion constraint is added under an ACCESS EXCLUSIVE lock: its index is built, and all rows are compared. There is
neither NOT VALID nor USING INDEX for it. What remains is a copy of the table that has the constraint from the start.
""",
    statement=_statement,
)
