"""No lock_timeout before the first lock that writes wait for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any

from crossfade.lint.cost import listed, strong_locks
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import below, constant, kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_SETTING = "lock_timeout"
_NONE = re.compile(r"[0.]+\s*[a-z]*")
"""No timeout at all, in whatever unit."""


class _Limit(Enum):
    """For how long a lock_timeout is set."""

    SESSION = "session"
    TRANSACTION = "transaction"


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
            )


def _first_without(way: tuple[SeenStatement, ...]) -> SeenStatement | None:
    """The first statement with such a lock that no timeout before it holds for."""
    limited: object = None
    for seen in way:
        limit = _limit(seen.tree) if seen.inside is None else None
        if limit is _Limit.SESSION:
            return None
        if limit is _Limit.TRANSACTION:
            limited = seen.transaction
        if seen.runs and seen.transaction is not limited and strong_locks(seen):
            return seen
    return None


def _limit(node: Any) -> _Limit | None:
    """What SET or set_config limits; None where it limits nothing."""
    if kind(node) == "VariableSetStmt":
        is_set = str(node.name).lower() == _SETTING and node.args and _is_limit(node.args[0])
        return (_Limit.TRANSACTION if node.is_local else _Limit.SESSION) if is_set else None
    for call in below(node) if kind(node) == "SelectStmt" else ():
        if kind(call) == "FuncCall" and names(call.funcname)[-1] == "set_config" and len(call.args or ()) == 3:
            name, value, is_local = call.args
            if constant(name) == _SETTING and _is_limit(value):
                return _Limit.SESSION if constant(is_local) in {"false", "f"} else _Limit.TRANSACTION
    return None


def _is_limit(value: Any) -> bool:
    return _NONE.fullmatch(str(constant(value)).lower()) is None


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
