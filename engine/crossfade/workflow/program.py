"""A plan compiled against a catalog: the steps of every phase, as one value that is stored with the run.

`compile_plan` is pure. Each change compiles against the catalog as the earlier ones leave it. The program is kept in
the ledger, since after expand the catalog has our own objects in it and is no longer the one that was compiled against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from crossfade.errors import PreflightRefused, Refusal
from crossfade.operations import copy_rows, delete_rows, kept_timestamps, rename_column, update_rows
from crossfade.operations.step import (
    Caution,
    Compiled,
    Copy,
    DataChange,
    Delete,
    PairTrigger,
    Part,
    Phase,
    RowChange,
    RowWork,
    Step,
    Update,
    Write,
)
from crossfade.plan.changes import CopyRows, DeleteRows, RenameColumn, UpdateRows
from crossfade.postgres.statement import Lock, LockMode, Statement

if TYPE_CHECKING:
    from crossfade.plan.model import Plan
    from crossfade.postgres.catalog import Catalog

OPERATIONS: dict[type, Callable[[Any, str, int, Catalog], Compiled]] = {
    RenameColumn: rename_column.compile_change,
    UpdateRows: update_rows.compile_change,
    DeleteRows: delete_rows.compile_change,
    CopyRows: copy_rows.compile_change,
}
"""A kind of change, and what compiles it."""

_WRITES: dict[str, type[Write]] = {"update": Update, "delete": Delete, "copy": Copy}
"""What a batch does, by the word that a stored program has for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """All that a run executes."""

    plan: str
    steps: tuple[Step, ...]
    rows: tuple[RowChange, ...]
    data: tuple[DataChange, ...] = ()

    @property
    def work(self) -> tuple[RowWork, ...]:
        """Everything that is done in batches, in the plan's order."""
        return (*self.rows, *self.data)

    def of(self, *parts: Part) -> tuple[Step, ...]:
        """The steps of these parts, in the order of execution."""
        return tuple(s for s in self.steps if s.part in parts)

    def in_phase(self, phase: Phase) -> tuple[Step, ...]:
        """The steps of a phase."""
        return tuple(s for s in self.steps if s.phase is phase)

    def is_empty(self, phase: Phase) -> bool:
        """Whether a phase has nothing to do, so that it passes through without gates."""
        return not self.in_phase(phase) and not (phase is Phase.BACKFILL and (self.rows or self.data))

    def as_json(self) -> dict[str, Any]:
        """For the ledger; `from_json` reads it back."""
        return {
            "plan": self.plan,
            "steps": [asdict(s) for s in self.steps],
            "rows": [asdict(r) for r in self.rows],
            "data": [{**asdict(d), "write": _write_document(d.write)} for d in self.data],
        }


def from_json(document: Mapping[str, Any]) -> Program:
    """The program that `as_json` wrote."""
    return Program(
        plan=document["plan"],
        steps=tuple(_step(s) for s in document["steps"]),
        rows=tuple(_row_change(r) for r in document["rows"]),
        # A run that began before there were data changes has a program without them.
        data=tuple(_data_change(d) for d in document.get("data", ())),
    )


def _step(document: Mapping[str, Any]) -> Step:
    return Step(
        **{
            **document,
            "part": Part(document["part"]),
            **{key: tuple(_statement(s) for s in document[key]) for key in ("statements", "undo", "cleanup")},
        }
    )


def _statement(document: Mapping[str, Any]) -> Statement:
    locks = tuple(Lock(relation=x["relation"], mode=LockMode(x["mode"])) for x in document["locks"])
    return Statement(**{**document, "locks": locks})


def _row_change(document: Mapping[str, Any]) -> RowChange:
    return RowChange(**{**document, "triggers": tuple(PairTrigger(**t) for t in document["triggers"])})


def _write_document(write: Write) -> dict[str, Any]:
    kind = next(word for word, made in _WRITES.items() if isinstance(write, made))
    return {"kind": kind, **asdict(write)}


def _data_change(document: Mapping[str, Any]) -> DataChange:
    written: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document["write"].items()}
    write = _WRITES[written.pop("kind")](**written)
    return DataChange(**{**document, "write": write, "touched": tuple(document["touched"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """A program, what speaks against running it, and what to know before."""

    program: Program
    refusals: tuple[Refusal, ...] = ()
    cautions: tuple[Caution, ...] = ()

    def accepting(self, acks: Iterable[str]) -> Compilation:
        """Without the refusals and cautions that these words accept."""
        accepted = frozenset(acks)
        return replace(
            self,
            refusals=tuple(r for r in self.refusals if r.ack is None or r.ack not in accepted),
            cautions=tuple(c for c in self.cautions if c.ack is None or c.ack not in accepted),
        )

    def checked(self) -> Program:
        """The program. Raises PreflightRefused where something still speaks against it."""
        if self.refusals:
            raise PreflightRefused(self.program.plan, self.refusals)
        return self.program


def compile_plan(plan: Plan, catalog: Catalog) -> Compilation:
    """Compile every change in order; refusals and cautions are gathered over all of them."""
    steps: list[Step] = []
    rows: list[RowChange] = []
    data: list[DataChange] = []
    refusals: list[Refusal] = []
    cautions: list[Caution] = []
    before = catalog
    for position, change in enumerate(plan.changes, start=1):
        compiled = OPERATIONS[type(change)](change, plan.name, position, catalog)
        steps += compiled.steps
        rows += compiled.rows
        data += compiled.data
        refusals += compiled.refusals
        cautions += compiled.cautions
        catalog = compiled.catalog
    kept = kept_timestamps.compile_guards(plan.name, (*rows, *data), before, plan.backfill.updated_at)
    return Compilation(
        program=Program(plan=plan.name, steps=_ordered((*kept.steps, *steps)), rows=tuple(rows), data=tuple(data)),
        refusals=(*refusals, *kept.refusals),
        cautions=tuple(dict.fromkeys((*cautions, *kept.cautions))),
    )


def _ordered(steps: Iterable[Step]) -> tuple[Step, ...]:
    """By part; within one in the order of the changes."""
    order = list(Part)
    return tuple(sorted(steps, key=lambda s: order.index(s.part)))
