"""Rows read or written under the lock of an earlier statement of the same transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import commands
from crossfade.lint.cost import READ, WRITTEN, how_long, table_named, waiting
from crossfade.lint.finding import Severity
from crossfade.lint.rows_touched import whole_table
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.statement import Lock, LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import Held, SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    done = _work(seen)
    if done is None or any(commands(seen, "ValidateConstraint")):
        return
    what, long = done
    kept = _kept(seen)
    if not kept:
        return
    who = waiting(Lock(relation=name, mode=held.mode) for name, held in kept)
    lines = sorted({held.by.position.line for _, held in kept})
    locks = f"the lock of line {lines[0]} is" if len(lines) == 1 else f"the locks since line {lines[0]} are"
    yield Said(
        message=f"{what} while {who}, {long}: {locks} kept until the end of the transaction.",
        instead="-- in a transaction of its own: with most tools, in a migration of its own",
    )


def _work(seen: SeenStatement) -> tuple[str, str] | None:
    """What the statement does with all rows of a table, and for how long."""
    whole = whole_table(seen)
    if whole is not None:
        per_row = 1 / (READ if whole.verb == "reads" else WRITTEN)
        return f"{whole.verb} all rows of {whole.table.name}", how_long(per_row, whole.table)
    for relation in seen.forecast.scans:
        table = table_named(seen.before, relation)
        if relation in seen.forecast.rewrites:
            return f"writes all rows of {relation} anew", how_long(1 / WRITTEN, table)
        return f"reads all rows of {relation}", how_long(1 / READ, table)
    return None


def _kept(seen: SeenStatement) -> list[tuple[str, Held]]:
    """Locks of earlier statements that others wait for, and more than for this one's own."""
    own = {lock.relation: lock.mode for lock in seen.forecast.locks}
    return [
        (name, held)
        for name, held in seen.held.items()
        if held.mode >= LockMode.SHARE
        and held.mode > (mine := own.get(name, LockMode.ACCESS_SHARE))
        and held.mode.blocks != mine.blocks
        # Nobody is told to wait for a table that was dropped.
        and table_named(seen.before, name) is not None
    ]


RULE = Rule(
    id="work-while-lock-held",
    severity=Severity.ERROR,
    summary="rows are read or written under the lock of an earlier statement",
    explanation="""
A lock is kept until the end of its transaction. ALTER TABLE may take a moment; if the statement after it reads or
writes all rows of a table, whoever wants the altered one waits for that as well. Split the transaction: first what
takes a strong lock, then, in a transaction of its own, what takes long. With most tools that means two migrations.
""",
    statement=_statement,
)
