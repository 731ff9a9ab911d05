"""Which gates stand in front of a phase: the default ones and the plan's own. Pure.

Contract has default gates, expand and backfill have none. An entry of the plan replaces the default of its kind; one
about some apps, for those apps only. What stands inside of `all`, `any` and `not` replaces nothing.
`hold` is for what may come and go, live versions, writes and strangers; an approval is a person's word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from crossfade.gates import combined
from crossfade.gates.approval import AnyApproval
from crossfade.gates.kinds import KINDS, Entry
from crossfade.operations.step import Phase
from crossfade.plan.durations import format_duration
from crossfade.plan.gates import (
    AppVersion,
    CombinedEntry,
    Dependents,
    LegacyReads,
    LegacyWrites,
    OutsideEntry,
    Replication,
    Strangers,
    TableActivity,
    ViolatingWrites,
)
from crossfade.plan.gates.entry import QUICK
from crossfade.plan.sources import OutsideSource

if TYPE_CHECKING:
    from crossfade.plan.apps import App
    from crossfade.plan.model import Plan
    from crossfade.plan.names import TableName


_SHORTEST_REST = timedelta(seconds=1)
_COMES_AND_GOES = AppVersion | LegacyWrites | ViolatingWrites | LegacyReads | Strangers
"""The kinds that have to pass for the plan's `hold`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseGate:
    """One gate in front of a phase, and how long it has to pass."""

    entry: Entry
    hold: timedelta = timedelta(0)
    apps: tuple[str, ...] = ()
    """The apps that an `app_version` gate is about."""
    parts: tuple[PhaseGate, ...] = ()
    """The gates that it is made of."""
    answering: timedelta = timedelta(0)
    """How long what is outside of the database may take to answer."""

    @property
    def is_slow(self) -> bool:
        """Whether it may take long in the database."""
        if self.parts:
            return any(part.is_slow for part in self.parts)
        limit = getattr(self.entry, "timeout", timedelta())
        return not isinstance(self.entry, OutsideEntry) and limit > QUICK

    @property
    def key(self) -> str:
        """Which of the phase's gates it is, for the ledger: its kind, and what it is about where that can vary."""
        entry = self.entry
        if isinstance(entry, AppVersion):
            return " ".join((entry.kind, *(entry.apps or ())))
        if isinstance(entry, AnyApproval | LegacyWrites | ViolatingWrites | Strangers):
            return entry.kind
        about = entry.model_dump_json(by_alias=True, exclude={"mode", "hold"})
        return f"{entry.kind} {hashlib.sha256(about.encode()).hexdigest()[:12]}"


def gates_of(plan: Plan, phase: Phase) -> tuple[PhaseGate, ...]:
    """Every gate in front of the phase, the default ones first."""
    own = plan.gates.of(phase.value)
    replaced = {entry.kind for entry in own if not isinstance(entry, AppVersion | TableActivity)}
    defaults = (entry for entry in _defaults(plan, phase, own) if entry.kind not in replaced)
    return tuple(_phase_gate(plan, entry) for entry in (*defaults, *own))


def leaves(gates: Iterable[PhaseGate]) -> Iterator[PhaseGate]:
    """The gates that are made of no others, wherever they stand."""
    for gate in gates:
        if gate.parts:
            yield from leaves(gate.parts)
        else:
            yield gate


def _defaults(plan: Plan, phase: Phase, own: tuple[Entry, ...]) -> Iterator[Entry]:
    if phase is not Phase.CONTRACT:
        return
    if plan.apps:
        yield from _other_apps(plan.apps, own)
        if _tells_shapes_apart(plan):
            yield LegacyWrites()
        yield Strangers()
    else:
        noting = [g.acknowledged_by for _, g in plan.gates.placed() if isinstance(g, Dependents | Replication)]
        yield AnyApproval(others=frozenset(noting))
        if _tells_shapes_apart(plan):
            yield LegacyWrites(mode="observe")
    if any(change.watches_writes for change in plan.changes):
        yield ViolatingWrites()
    yield from _resting(plan, own)


def _resting(plan: Plan, own: tuple[Entry, ...]) -> Iterator[Entry]:
    """That nobody uses what is dropped; an entry of the plan about the same table or index takes its place.

    One look says nothing of it, so there is no such gate where nothing has to hold.
    """
    said = {(entry.table, entry.index) for entry in own if isinstance(entry, TableActivity)}
    resting: list[tuple[TableName | None, TableName | None]] = []
    for change in plan.changes:
        resting += [(None, index) for index in change.resting_indexes]
        resting += [(table, None) for table in change.resting_tables]
    for table, index in resting:
        if plan.hold and (table, index) not in said:
            about = {"table": str(table)} if table is not None else {"index": str(index)}
            hold = format_duration(max(plan.hold, _SHORTEST_REST))
            yield TableActivity.model_validate({**about, "hold": hold})


def _tells_shapes_apart(plan: Plan) -> bool:
    return any(change.tells_shapes_apart for change in plan.changes)


def _other_apps(roster: Iterable[str], own: tuple[Entry, ...]) -> Iterator[Entry]:
    """The default gate about the apps that no entry of the plan is about."""
    entries = [entry for entry in own if isinstance(entry, AppVersion)]
    if not entries:
        yield AppVersion()
    elif all(entry.apps for entry in entries):
        named = {app for entry in entries for app in entry.apps or ()}
        others = tuple(app for app in roster if app not in named)
        if others:
            yield AppVersion(apps=others)


def _phase_gate(plan: Plan, entry: Entry) -> PhaseGate:
    # An entry that says its own `hold` is taken at its word; what may come and go is else held for the plan's.
    usual = plan.hold if isinstance(entry, _COMES_AND_GOES) else timedelta(0)
    hold = usual if entry.hold is None else entry.hold
    if isinstance(entry, AppVersion):
        roster = plan.apps or {}
        apps = entry.apps or tuple(roster)
        return PhaseGate(entry=entry, hold=hold, apps=apps, answering=_slowest(roster[app] for app in apps))
    if isinstance(entry, CombinedEntry):
        parts = tuple(_phase_gate(plan, part) for _, part in entry.parts)
        answering = max(part.answering for part in parts)
        return PhaseGate(entry=entry, hold=hold, parts=parts, answering=answering)
    answering = entry.timeout if isinstance(entry, OutsideEntry) else timedelta(0)
    return PhaseGate(entry=entry, hold=hold, answering=answering)


def _slowest(apps: Iterable[App]) -> timedelta:
    sources = (source for app in apps for source in app.sources)
    return max((s.timeout for s in sources if isinstance(s, OutsideSource)), default=timedelta(0))


def describe(gate: PhaseGate) -> str:
    """The gate in words, for `explain`."""
    held = f", for {format_duration(gate.hold)} without a break" if gate.hold else ""
    return f"{gate.entry.kind}: {_in_words(gate)}{held}{' (shown only)' if gate.entry.mode == 'observe' else ''}"


def _in_words(gate: PhaseGate) -> str:
    entry = gate.entry
    if isinstance(entry, CombinedEntry):
        return combined.in_words(entry, tuple(describe(part) for part in gate.parts))
    named = entry.model_copy(update={"apps": gate.apps}) if isinstance(entry, AppVersion) else entry
    return KINDS[type(entry)].in_words(named)
