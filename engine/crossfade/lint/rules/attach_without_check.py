"""ATTACH PARTITION of a table that no CHECK says to lie within the bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import commands
from crossfade.lint.cost import READ, blocked_by, how_long, listed, table_named
from crossfade.lint.finding import Severity
from crossfade.lint.partition_bound import check_of_bound, proved_first
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import alter_table

if TYPE_CHECKING:
    from crossfade.lint.commands import Command
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in commands(seen, "AttachPartition"):
        if not command.works_behind_lock:
            continue
        read = command.forecast.scans
        yield Said(
            message=f"reads all rows of {listed(read)} while {blocked_by(command.forecast)}, "
            f"{how_long(1 / READ, table_named(seen.before, read[0]))}.",
            instead=_instead(seen, command),
            is_planned=True,
        )


def _instead(seen: SeenStatement, command: Command) -> str:
    """CHECKs first, on the new partition and on the default one, as far as they are what is missing."""
    partition = seen.before.find(command.node.def_.name.schemaname, command.node.def_.name.relname)
    default, steps, drops = seen.before.default_partition(command.table), list[str](), list[str]()
    for table, within in ((partition, True), (default, False)):
        if table is None or str(table.name) not in command.forecast.scans:
            continue
        condition = check_of_bound(command.table, table, command.node.def_.bound, within=within)
        if condition is None:
            return "First a CHECK that says what the bound says, as NOT VALID; then VALIDATE; then ATTACH PARTITION."
        add, drop = proved_first(table, condition)
        steps.append(add)
        drops.append(drop)
    return "\n".join([*steps, alter_table(command.relation, command.node), *drops])


RULE = Rule(
    id="attach-without-check",
    severity=Severity.ERROR,
    summary="ATTACH PARTITION reads all rows of the table, or of the default partition, while others wait",
    explanation="""
ATTACH PARTITION takes an ACCESS EXCLUSIVE lock on the table that becomes a partition and on the default partition, if
there is one. It reads all rows of both under it, to see that they are within the bound, and outside of it, unless a
valid CHECK says so already. It also builds indexes, and looks up foreign keys, that the partitioned table has and the
new partition lacks: make those before, CONCURRENTLY and as NOT VALID.
""",
    statement=_statement,
)
