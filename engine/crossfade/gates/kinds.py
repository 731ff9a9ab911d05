"""Every kind of gate, by its plan entry: how its evidence is seen, judged and put into words. This is the registry.

A kind is two functions: `observe` does the I/O, `judge` is pure. Those that look at the database get the connection and
are asked one after the other; those that look outside are asked side by side, each in a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.gates import (
    app_version,
    approval,
    dependents,
    exec_command,
    http_answer,
    legacy_reads,
    legacy_writes,
    long_transactions,
    other_plan,
    parity,
    replication,
    soak,
    sql_query,
    strangers,
    table_activity,
    violating_writes,
    window,
)
from crossfade.gates.approval import AnyApproval
from crossfade.plan import gates as entries

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.gates.verdict import Judgement

Entry: TypeAlias = entries.Gate | AnyApproval
Words: TypeAlias = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class InDatabase:
    """A kind whose evidence is in the database."""

    observe: Callable[[psycopg.Connection[Any], Subject, Any, Look], Any]
    """Raises psycopg.Error."""
    judge: Callable[[Any, Any], Judgement]
    in_words: Words
    """What has to hold, for `explain`."""
    is_guard: bool = False
    """It is one of the engine's own guards, which no override goes past."""


@dataclass(frozen=True, slots=True)
class Outside:
    """A kind whose evidence is elsewhere. `observe` ends within the entry's `timeout`, and tells of every failure."""

    observe: Callable[[Subject, Any, Look], Any]
    judge: Callable[[Any, Any], Judgement]
    in_words: Words


_APPROVAL = InDatabase(approval.observe, approval.judge, approval.in_words)

KINDS: Mapping[type[Any], InDatabase | Outside] = {
    entries.AppVersion: InDatabase(app_version.observe, app_version.judge, app_version.in_words),
    entries.LegacyWrites: InDatabase(legacy_writes.observe, legacy_writes.judge, legacy_writes.in_words),
    entries.ViolatingWrites: InDatabase(violating_writes.observe, violating_writes.judge, violating_writes.in_words),
    entries.LegacyReads: InDatabase(legacy_reads.observe, legacy_reads.judge, legacy_reads.in_words),
    entries.Strangers: InDatabase(strangers.observe, strangers.judge, strangers.in_words),
    entries.Approval: _APPROVAL,
    AnyApproval: _APPROVAL,
    entries.Sql: InDatabase(sql_query.observe, sql_query.judge, sql_query.in_words),
    entries.Exec: Outside(exec_command.observe, exec_command.judge, exec_command.in_words),
    entries.Http: Outside(http_answer.observe, http_answer.judge, http_answer.in_words),
    entries.OpenWindow: InDatabase(window.observe, window.judge, window.in_words),
    entries.Soak: InDatabase(soak.observe, soak.judge, soak.in_words),
    entries.OtherPlan: InDatabase(other_plan.observe, other_plan.judge, other_plan.in_words),
    entries.LongTransactions: InDatabase(
        long_transactions.observe, long_transactions.judge, long_transactions.in_words
    ),
    entries.TableActivity: InDatabase(table_activity.observe, table_activity.judge, table_activity.in_words),
    entries.Dependents: InDatabase(dependents.observe, dependents.judge, dependents.in_words, is_guard=True),
    entries.Replication: InDatabase(replication.observe, replication.judge, replication.in_words),
    entries.Parity: InDatabase(parity.observe, parity.judge, parity.in_words, is_guard=True),
}


def is_guard_kind(entry: Entry) -> bool:
    """Whether the kind is one of the engine's own guards."""
    kind = KINDS.get(type(entry))
    return isinstance(kind, InDatabase) and kind.is_guard
