"""The positive control of `legacy_writes`: silence counts only while every trigger is in place and works.

Each trigger of a pair has to be there, on every partition too, ENABLE ALWAYS and calling a function of ours. That they
fire is proved by a write of the old shape that they noted during this run, or else by a canary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from psycopg.rows import class_row

from crossfade.gates.canary import send_canary
from crossfade.gates.queries import query
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    import psycopg

    from crossfade.operations.step import PairTrigger, RowChange, Watch

_ALWAYS = "A"
_WORKING: WeakKeyDictionary[psycopg.Connection[Any], set[tuple[int, ...]]] = WeakKeyDictionary()
"""The triggers that a canary of this connection has found working: a gate that is waited for sends it once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A trigger that is needed, as it stands on one table or partition; without an oid it is missing."""

    relation: str
    name: str
    relation_oid: int | None
    carrier: str
    inherited: bool
    """Whether the carrier is a partition of the relation."""
    trigger_oid: int | None
    enabled: str | None
    ours: bool | None
    version: str | None = None
    """Another one whenever somebody alters it, or makes it anew."""
    function_version: str | None = None
    """Likewise, of the function that it calls."""

    @property
    def fault(self) -> str | None:
        """What is wrong with it."""
        where = f"trigger {self.name} on {self.carrier}"
        if self.trigger_oid is None:
            return f"{where} is missing"
        if self.enabled == "D":
            return f"{where} is disabled"
        if self.enabled != _ALWAYS:
            return f"{where} is not ENABLE ALWAYS"
        return None if self.ours else f"{where} does not call a function of crossfade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How far the silence of one pair can be believed."""

    table: str
    column: str
    triggers: int
    """How many were looked at, partitions' included."""
    faults: tuple[str, ...] = ()
    proof: str = ""
    """How it is known that they fire."""
    inserts_visible: bool = True

    def as_json(self) -> dict[str, Any]:
        """For the evidence."""
        return {
            "table": self.table,
            "column": self.column,
            "triggers": self.triggers,
            "faults": list(self.faults),
            "proof": self.proof,
            "inserts_visible": self.inserts_visible,
        }


def look_up(
    connection: psycopg.Connection[Any], rows: tuple[RowChange | Watch, ...]
) -> Mapping[str, tuple[Carried, ...]]:
    """The triggers of each change or watch, by its id."""
    return {change.id: look_up_triggers(connection, change.triggers) for change in rows}


def look_up_triggers(connection: psycopg.Connection[Any], triggers: Iterable[PairTrigger]) -> tuple[Carried, ...]:
    """How these triggers stand, on each table and on every partition below."""
    wanted = tuple(triggers)
    asked = {"relations": [t.relation for t in wanted], "names": [t.name for t in wanted]}
    with connection.cursor(row_factory=class_row(Carried)) as cursor:
        return tuple(cursor.execute(query("pair_triggers"), asked).fetchall())


def control(
    connection: psycopg.Connection[Any],
    plan: str,
    change: RowChange,
    carried: tuple[Carried, ...],
    noted: frozenset[tuple[str, str]],
) -> Control:
    """Judge one change's triggers; `noted` are the relations and columns of writes that were noted in this run."""
    faults = tuple(c.fault for c in carried if c.fault)
    proof = "none"
    if not carried:
        faults = (f"no trigger watches {change.schema}.{change.table}",)
    elif not faults:
        if any((c.carrier, change.old_names) in noted for c in carried):
            proof = "a write of the old shape was noted in this run"
        else:
            proof, fault = _by_canary(connection, plan, change, carried)
            faults = (fault,) if fault else ()
    return Control(
        table=str(QualifiedName(change.schema, change.table)),
        column=change.old_names,
        triggers=len(carried),
        faults=faults,
        proof=proof,
        inserts_visible=change.inserts_visible,
    )


def _by_canary(
    connection: psycopg.Connection[Any], plan: str, change: RowChange, carried: tuple[Carried, ...]
) -> tuple[str, str | None]:
    own = str(QualifiedName(change.schema, change.table))
    triggers = sorted(c.trigger_oid for c in carried if c.relation == own and not c.inherited and c.trigger_oid)
    works = _WORKING.setdefault(connection, set())
    if tuple(triggers) not in works:
        canary = send_canary(connection, plan, change, triggers)
        if canary.not_tried:
            return f"present and enabled; a trial write was not possible: {canary.not_tried}", None
        if canary.fault:
            return "a trial write failed", f"the triggers on {own} do not work: {canary.fault}"
        works.add(tuple(triggers))
    return "a trial write was carried over and noted, and taken back", None
