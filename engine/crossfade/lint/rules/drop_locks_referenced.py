"""DROP of a table, column or foreign key that locks the table at the other end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import commands
from crossfade.lint.cost import listed, who_waits
from crossfade.lint.declared import dropped
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Table


def _statement(seen: SeenStatement) -> Iterator[Said]:
    holders = list(_holders(seen))
    own = {str(member.name) for holder in holders for member in seen.before.family(holder.name)}
    referenced = {str(c.referenced) for holder in holders for c in holder.constraints if c.referenced is not None}
    strong = {lock.relation for lock in seen.forecast.locks if lock.mode is LockMode.ACCESS_EXCLUSIVE}
    others = sorted((referenced & strong) - own)
    if others:
        yield Said(
            message=f"{who_waits(LockMode.ACCESS_EXCLUSIVE, listed(others))} as well: a foreign key points there, and "
            "goes with it.",
            instead=_instead(seen),
            is_planned=True,
        )


def _holders(seen: SeenStatement) -> Iterator[Table]:
    """The tables that lose something."""
    tables = seen.before.tables
    yield from (tables[name] for name in dropped(seen, "OBJECT_TABLE") if name in tables)
    for command in commands(seen, "DropColumn", "DropConstraint"):
        yield command.table


def _instead(seen: SeenStatement) -> str:
    """Each foreign key by itself, with a timeout, before what it goes with."""
    keys = [
        f"ALTER TABLE {holder.name} DROP CONSTRAINT {quoted(c.name)};"
        for holder in _holders(seen)
        for c in holder.constraints
        if c.kind == "foreign" and not _still_there(seen, holder, c.name)
    ]
    return "\n".join(["-- one at a time, each in a transaction of its own, with a lock_timeout:", *keys])


def _still_there(seen: SeenStatement, holder: Table, name: str) -> bool:
    after = seen.after.tables.get(holder.name)
    return after is not None and any(c.name == name for c in after.constraints)


RULE = Rule(
    id="drop-locks-referenced",
    severity=Severity.WARNING,
    summary="dropping a table, column or foreign key locks the table that the key points at",
    explanation="""
A foreign key has triggers on both tables. Dropping it, or the column or the table that has it, takes an ACCESS
EXCLUSIVE lock on the referenced table too: reads and writes of it wait, for a moment once the lock is there, and as
long as any transaction uses one of the two tables until then. Drop the keys first, one in each transaction, with a
lock_timeout.
""",
    statement=_statement,
)
