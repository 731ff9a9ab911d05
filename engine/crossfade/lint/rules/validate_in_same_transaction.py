"""VALIDATE CONSTRAINT under a lock that is there already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import Command, commands
from crossfade.lint.cost import READ, how_long, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import LATER
from crossfade.lint.written import table_of
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    own = {lock.relation: lock.mode for lock in seen.forecast.locks}
    for command in commands(seen, "ValidateConstraint"):
        scanned = command.forecast.scans or (seen.forecast.scans if _is_added_here(seen, command) else ())
        for relation in scanned:
            held = seen.held.get(relation)
            mode = max(own.get(relation, LockMode.ACCESS_SHARE), held.mode if held else LockMode.ACCESS_SHARE)
            if mode < LockMode.SHARE:
                continue
            since = f"line {held.by.position.line}" if held and held.mode == mode else "another part of the statement"
            yield Said(
                message=f"reads all rows while {who_waits(mode, relation)}, {how_long(1 / READ, command.table)}: "
                f"the lock that {since} takes is kept until the end of the transaction.",
                instead=f"{LATER}\nALTER TABLE {table_of(command.relation)} VALIDATE CONSTRAINT "
                f"{quoted(command.node.name)};",
                is_planned=True,
            )
            break


def _is_added_here(seen: SeenStatement, command: Command) -> bool:
    """The statement adds the constraint that it validates."""
    return any(
        c.subtype.name == "AT_AddConstraint" and c.def_.conname == command.node.name and c.def_.skip_validation
        for c in seen.tree.cmds
    )


RULE = Rule(
    id="validate-in-same-transaction",
    severity=Severity.ERROR,
    summary="VALIDATE CONSTRAINT in the transaction of a stronger lock",
    explanation="""
VALIDATE CONSTRAINT by itself takes a lock that reads and writes do not wait for. In the transaction that has added the
constraint, or altered the table in another way, that helps nothing: the stronger lock is kept until the end, and all
rows are read under it. Validate in a transaction of its own: with most tools, in a migration of its own.
""",
    statement=_statement,
)
