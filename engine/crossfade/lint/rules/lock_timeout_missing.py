"""No lock_timeout before the first lock that writes wait for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.cost import listed, strong_locks
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import below, constant, kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_SETTING = "lock_timeout"


def _migration(migration: SeenMigration) -> Iterator[Said]:
    for way in (migration.up, migration.down):
        found = _first_without(way)
        if found is not None:
            waiting = [lock.relation for lock in strong_locks(found)]
            local = "LOCAL " if found.in_transaction else ""
            yield Said(
                message=f"waits for its lock on {listed(waiting)} as long as any open transaction uses it, and "
                "whoever comes later waits behind it; no lock_timeout is set.",
                instead=f"SET {local}lock_timeout = '2s';  -- and try again where it runs out",
                of=found,
                is_planned=False,
            )


def _first_without(way: tuple[SeenStatement, ...]) -> SeenStatement | None:
    """The first statement with such a lock; None where a timeout is set before it."""
    for seen in way:
        if seen.inside is None and _sets_timeout(seen.tree):
            return None
        if seen.runs and strong_locks(seen):
            return seen
    return None


def _sets_timeout(node: Any) -> bool:
    if kind(node) == "VariableSetStmt":
        zero = [str(constant(arg)) for arg in node.args or ()] == ["0"]
        return bool(str(node.name).lower() == _SETTING and node.args and not zero)
    calls = (c for c in below(node) if kind(c) == "FuncCall") if kind(node) == "SelectStmt" else ()
    return any(names(c.funcname)[-1:] == ("set_config",) and constant(c.args[0]) == _SETTING for c in calls)


RULE = Rule(
    id="lock-timeout-missing",
    severity=Severity.WARNING,
    summary="a strong lock is asked for without a lock_timeout",
    explanation="""
A statement that asks for a lock waits for every transaction that has one against it, a forgotten session included. All
that come later, and that would not mind the others, wait behind it: a lock that is needed for a moment only stops the
app for minutes. With a lock_timeout of a second or two the statement gives up instead, and can be tried again.

It is said once for each file, at the first statement with a lock that writes wait for, on a table that was there
before.
""",
    migration=_migration,
)
