"""DETACH PARTITION without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING

from crossfade.lint.commands import commands
from crossfade.lint.cost import blocked_by
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import OUTSIDE, alter_table

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in commands(seen, "DetachPartition"):
        if command.node.def_.concurrent:
            continue
        default = seen.before.default_partition(command.table)
        if default is None:
            changed = deepcopy(command.node)
            changed.def_.concurrent = True
            instead = f"{OUTSIDE}\n{alter_table(command.relation, changed)}"
        else:
            instead = (
                f"CONCURRENTLY is not possible while there is the default partition {default.name}: set a lock_timeout "
                "and try again until the lock is there."
            )
        yield Said(
            message=f"{blocked_by(command.forecast)}, and the statement itself waits for every transaction that uses "
            "them.",
            instead=instead,
            is_planned=True,
        )


RULE = Rule(
    id="detach-not-concurrently",
    severity=Severity.WARNING,
    summary="DETACH PARTITION locks the whole partitioned table against reads and writes",
    explanation="""
DETACH PARTITION takes an ACCESS EXCLUSIVE lock on the partitioned table and the partition. It holds them for a moment;
but to get them, it waits for every transaction that uses the table, and whoever comes later waits behind it. With
CONCURRENTLY it waits under a lock that reads and writes do not wait for. That cannot run inside a transaction, and is
not possible where there is a default partition.
""",
    statement=_statement,
)
