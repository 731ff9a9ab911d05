"""SET NOT NULL without a valid CHECK that proves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import Command, commands
from crossfade.lint.cost import READ, how_long, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import not_null
from crossfade.lint.written import table_of
from crossfade.postgres.forecast.proof import proves_not_null
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Constraint


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in commands(seen, "SetNotNull"):
        table, name = command.table, command.node.name
        column = table.column(name)
        # What drops the proof in the same statement goes first, so the statement as a whole is what counts.
        if column is None or not seen.forecast.scans:
            continue
        unproved = table.unproved_not_null(name)
        if column.not_null and unproved is None:
            continue
        yield Said(
            message=f"reads all rows while {who_waits(LockMode.ACCESS_EXCLUSIVE, str(table.name))}, "
            f"{how_long(1 / READ, table)}; and fails where one has NULL in {quoted(name)}.",
            instead=_instead(seen, command, unproved),
            is_planned=True,
        )


def _instead(seen: SeenStatement, command: Command, unproved: Constraint | None) -> str:
    shown, column = table_of(command.relation), command.node.name
    if unproved is not None:
        return f"ALTER TABLE {shown} VALIDATE CONSTRAINT {quoted(unproved.name)};"
    drops = any(c.subtype.name == "AT_DropConstraint" for c in seen.tree.cmds)
    if drops and proves_not_null(command.table, column):
        own = "-- in a statement of its own, before the CHECK that proves it is dropped:"
        return f"{own}\nALTER TABLE {shown} ALTER COLUMN {quoted(column)} SET NOT NULL;"
    return not_null(command.relation, command.table.name.name, column)


RULE = Rule(
    id="set-not-null",
    severity=Severity.ERROR,
    summary="SET NOT NULL reads all rows while reads and writes wait",
    explanation="""
SET NOT NULL takes an ACCESS EXCLUSIVE lock and reads every row under it, unless a valid CHECK (column IS NOT NULL) says
already that there is no NULL. Add that CHECK as NOT VALID, which takes a moment, and validate it in a transaction of
its own, under a lock that reads and writes do not wait for; then SET NOT NULL reads nothing, and the CHECK can go.

SET NOT NULL and dropping the CHECK have to be two statements: in one ALTER TABLE PostgreSQL drops first, and then reads
all rows.
""",
    statement=_statement,
)
