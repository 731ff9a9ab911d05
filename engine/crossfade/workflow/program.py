"""A plan compiled against a catalog: the steps of every phase, as one value that is stored with the run.

`compile_plan` is pure. Each change compiles against the catalog as the earlier ones leave it. The program is kept in
the ledger, since after expand the catalog has our own objects in it and is no longer the one that was compiled against.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from crossfade.errors import PreflightRefused, Refusal
from crossfade.operations.columns import columns_together, earlier_changes
from crossfade.operations.constraints import until_contract
from crossfade.operations.foreseen import foreseen
from crossfade.operations.kinds import compile_change
from crossfade.operations.merge import merged
from crossfade.operations.raw_sql import sql_names, sql_trial, sql_unread
from crossfade.operations.raw_sql.sql_foretold import makes_other_names
from crossfade.operations.step import (
    Caution,
    Compiled,
    Copy,
    DataChange,
    Delete,
    Dropped,
    Guard,
    InTheWay,
    PairTrigger,
    Part,
    Phase,
    Place,
    RowChange,
    RowCopy,
    RowFill,
    RowLook,
    RowWork,
    Step,
    Turn,
    Update,
    Watch,
    Write,
)
from crossfade.operations.sync import kept_timestamps
from crossfade.operations.tables import together
from crossfade.operations.trial import Trial, UniqueLook, ViolationLook
from crossfade.plan.changes.sql import RawSql
from crossfade.postgres.statement import Lock, LockMode, Statement

if TYPE_CHECKING:
    from crossfade.plan.changes import Change
    from crossfade.plan.model import Plan
    from crossfade.postgres.catalog import Catalog, QualifiedName

_BESIDE = frozenset({"dependent"})
"""Codes of refusals that are about something else in the database, not about what the change itself says."""
_WRITES: dict[str, type[Write]] = {"update": Update, "delete": Delete, "copy": Copy}
"""What a batch does, by the word that a stored program has for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """All that a run executes."""

    plan: str
    steps: tuple[Step, ...]
    rows: tuple[RowChange, ...]
    fills: tuple[RowFill, ...] = ()
    copies: tuple[RowCopy, ...] = ()
    watches: tuple[Watch, ...] = ()
    data: tuple[DataChange, ...] = ()

    @property
    def work(self) -> tuple[RowWork, ...]:
        """Everything that is done in batches: both shapes first, since a fill may need them."""
        return (*self.rows, *self.fills, *self.copies, *self.data)

    def of(self, *parts: Part) -> tuple[Step, ...]:
        """The steps of these parts, in the order of execution."""
        return tuple(s for s in self.steps if s.part in parts)

    def in_phase(self, phase: Phase) -> tuple[Step, ...]:
        """The steps of a phase."""
        return tuple(s for s in self.steps if s.phase is phase)

    def is_empty(self, phase: Phase) -> bool:
        """Whether a phase has nothing to do, so that it passes through without gates."""
        return not self.in_phase(phase) and not (phase is Phase.BACKFILL and self.work)

    def as_json(self) -> dict[str, Any]:
        """For the ledger; `from_json` reads it back."""
        return {
            "plan": self.plan,
            "steps": [asdict(s) for s in self.steps],
            "rows": [asdict(r) for r in self.rows],
            "fills": [asdict(f) for f in self.fills],
            "copies": [{**asdict(c), "write": _write_document(c.write)} for c in self.copies],
            "watches": [asdict(w) for w in self.watches],
            "data": [{**asdict(d), "write": _write_document(d.write)} for d in self.data],
        }


def from_json(document: Mapping[str, Any]) -> Program:
    """The program that `as_json` wrote."""
    return Program(
        plan=document["plan"],
        steps=tuple(_step(s) for s in document["steps"]),
        rows=tuple(_row_change(r) for r in document["rows"]),
        fills=tuple(RowFill(**{**f, "touched": tuple(f["touched"])}) for f in document["fills"]),
        copies=tuple(_row_copy(c) for c in document.get("copies", ())),
        watches=tuple(Watch(**{**w, "triggers": _triggers(w)}) for w in document["watches"]),
        data=tuple(_data_change(d) for d in document["data"]),
    )


def _step(document: Mapping[str, Any]) -> Step:
    return Step(
        **{
            **document,
            "part": Part(document["part"]),
            "turn": Turn(document["turn"]),
            **{key: tuple(_statement(s) for s in document[key]) for key in ("statements", "undo", "cleanup")},
            "guards": tuple(Guard(**g) for g in document["guards"]),
            "falls_with": tuple(document.get("falls_with", ())),
            "takes_along": tuple(document.get("takes_along", ())),
            "records": tuple(document.get("records", ())),
            "in_the_way": tuple(
                InTheWay(relation=w["relation"], columns=tuple(w["columns"])) for w in document.get("in_the_way", ())
            ),
        }
    )


def _statement(document: Mapping[str, Any]) -> Statement:
    locks = tuple(Lock(relation=x["relation"], mode=LockMode(x["mode"])) for x in document["locks"])
    return Statement(**{**document, "locks": locks})


def _row_change(document: Mapping[str, Any]) -> RowChange:
    return RowChange(
        **{
            **document,
            "old": tuple(document["old"]),
            "new": tuple(document["new"]),
            "dropped": tuple(Dropped(**d) for d in document["dropped"]),
            "triggers": _triggers(document),
        }
    )


def _triggers(document: Mapping[str, Any]) -> tuple[PairTrigger, ...]:
    return tuple(PairTrigger(**t) for t in document["triggers"])


def _write_document(write: Write) -> dict[str, Any]:
    kind = next(word for word, made in _WRITES.items() if isinstance(write, made))
    return {"kind": kind, **asdict(write)}


def _write(document: Mapping[str, Any]) -> Write:
    written: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}
    return _WRITES[written.pop("kind")](**written)


def _row_copy(document: Mapping[str, Any]) -> RowCopy:
    return RowCopy(
        **{
            **document,
            "write": _write(document["write"]),
            "surplus": RowLook(**document["surplus"]),
            "hidden": tuple(document.get("hidden", ())),
        }
    )


def _data_change(document: Mapping[str, Any]) -> DataChange:
    return DataChange(**{**document, "write": _write(document["write"]), "touched": tuple(document["touched"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """A program, what speaks against running it, and what to know before."""

    program: Program
    refusals: tuple[Refusal, ...] = ()
    cautions: tuple[Caution, ...] = ()
    trials: tuple[Trial, ...] = ()
    """SQL of the plan that the database has to take."""
    looks: tuple[UniqueLook | ViolationLook, ...] = ()
    """What is going to be unique, or to hold for every row."""

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
    compiled: list[Compiled] = []
    before = catalog
    catalogs: list[Catalog] = []
    is_changed_by_sql = False
    for position, change in enumerate(plan.changes, start=1):
        catalogs.append(catalog)
        unread = frozenset(name for one in compiled for name in one.unread)
        place = Place(plan.name, position, change.kind, later=tuple(plan.changes[position:]))
        one = _compiled(change, place, catalog, unread)
        if isinstance(change, RawSql) and not is_changed_by_sql:
            earlier = [known.kind for known in plan.changes[: position - 1]]
            one = replace(
                one,
                refusals=tuple(dict.fromkeys((*one.refusals, *sql_names.refusals(change, catalog, before)))),
                trials=(*one.trials, *sql_trial.trials(change, catalog, before, earlier)),
            )
            is_changed_by_sql = makes_other_names(change)
        compiled.append(one)
        catalog = compiled[-1].catalog
    compiled = _sql_in_order(plan.changes, compiled)
    program = Program(
        plan=plan.name,
        steps=(),
        rows=tuple(r for c in compiled for r in c.rows),
        fills=tuple(f for c in compiled for f in c.fills),
        copies=tuple(r for c in compiled for r in c.copies),
        watches=tuple(w for c in compiled for w in c.watches),
        data=tuple(d for c in compiled for d in c.data),
    )
    kept = kept_timestamps.compile_guards(plan.name, program.work, before, plan.backfill.updated_at)
    steps = merged(foreseen(_ordered((*kept.steps, *(s for c in compiled for s in c.steps))), before).steps)
    # Once more, as others see it: where steps became one, they see nothing of what the first of them did.
    told = foreseen(steps, before)
    return Compilation(
        program=replace(program, steps=told.steps),
        refusals=(
            *earlier_changes.refusals(plan.changes, compiled, catalogs),
            *together.refusals(plan.changes, compiled, catalogs),
            *columns_together.refusals(plan.changes, compiled, catalogs),
            *kept.refusals,
            *told.refusals,
        ),
        cautions=tuple(dict.fromkeys((*(x for c in compiled for x in c.cautions), *kept.cautions))),
        trials=(*_trials(compiled), *until_contract.trials(plan.changes, catalogs)),
        looks=(*(look for c in compiled for look in c.looks), *until_contract.looks(plan.changes, catalogs)),
    )


def _compiled(change: Change, place: Place, catalog: Catalog, unread: frozenset[QualifiedName]) -> Compiled:
    refusals = tuple(sql_unread.refusals(change, catalog, unread))
    return Compiled(refusals=refusals, catalog=catalog) if refusals else compile_change(change, place, catalog)


def _sql_in_order(changes: Sequence[Change], compiled: Sequence[Compiled]) -> list[Compiled]:
    """What an `sql` change does at contract behind what the changes before it do there, whatever their turn.

    Not where a change behind it has an earlier turn: that might need what the statements leave.
    """
    ordered = list(compiled)
    for number in reversed(range(len(ordered))):
        before = max(_turns(ordered[:number]), default=Turn.AMONG)
        behind = min(_turns(ordered[number + 1 :]), default=Turn.LAST)
        if changes[number].kind == "sql" and Turn.AMONG < before <= behind:
            steps = (replace(s, turn=before) if s.part is Part.HIDE else s for s in ordered[number].steps)
            ordered[number] = replace(ordered[number], steps=tuple(steps))
    return ordered


def _turns(compiled: Iterable[Compiled]) -> Iterator[Turn]:
    return (step.turn for one in compiled for step in one.steps if step.part is Part.HIDE)


def _trials(compiled: Iterable[Compiled]) -> Iterator[Trial]:
    made: list[str] = []
    for one in compiled:
        if all(refusal.ack or refusal.code in _BESIDE for refusal in one.refusals):
            # Of what is refused anyway a trial would only say the same once more, or what follows from it.
            yield from (replace(trial, made=(*made, *trial.made)) for trial in one.trials)
        made += one.makes


def _ordered(steps: Iterable[Step]) -> tuple[Step, ...]:
    """By part and turn; within them in the order of the changes."""
    order = list(Part)
    return tuple(sorted(steps, key=lambda s: (order.index(s.part), s.turn)))
