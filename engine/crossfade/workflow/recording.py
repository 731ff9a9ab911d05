"""The rows that a run writes into other tools' histories, put into its program. Pure.

A row is written in the transaction of the step that completes what the migration says: the last that hides the old
shape, for a plan that hides nothing the last of all. Where that step has no transaction, or holds its locks while it
reads a table, the rows get a step of their own behind it. Undoing takes them back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.migrations.histories.history import exists, waiting_for
from crossfade.operations.step import Guard, Part, Step, Turn
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crossfade.migrations.histories.history import Entry, History, Place
    from crossfade.plan.migrations import CoveredMigration
    from crossfade.postgres.statement import Statement
    from crossfade.workflow.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row to be written."""

    covered: CoveredMigration
    entry: Entry
    history: History
    place: Place


def with_records(program: Program, records: Sequence[Record]) -> Program:
    """The program that writes these rows."""
    steps = program.steps
    for when in ("expand", "contract"):
        wanted = tuple(record for record in records if record.covered.recorded == when)
        if wanted:
            part = Part.EXPAND if when == "expand" else _completing(program)
            steps = _with(steps, part, wanted, name=when)
    return replace(program, steps=steps)


def _completing(program: Program) -> Part:
    """The part with which the schema, or the data, is as the migration leaves it."""
    parts = {step.part for step in program.steps}
    if parts & {Part.HIDE, Part.DROP}:
        return Part.HIDE
    return Part.SEAL if Part.SEAL in parts or program.work else Part.EXPAND


def _with(steps: tuple[Step, ...], part: Part, records: Sequence[Record], *, name: str) -> tuple[Step, ...]:
    order = list(Part)
    before = tuple(s for s in steps if order.index(s.part) <= order.index(part))
    behind = steps[len(before) :]
    if before and before[-1].part is part and _takes_more(before[-1]):
        return (*before[:-1], _also(before[-1], records), *behind)
    return (*before, _of_its_own(part, records, name), *behind)


def _takes_more(step: Step) -> bool:
    """Whether more can be done in its transaction: others wait no longer for it, nor for the tool's lock."""
    return step.transactional and bool(step.statements) and not step.rewrites and not step.scans and not step.falls_with


def _also(step: Step, records: Sequence[Record]) -> Step:
    locks = _locks(records)
    return replace(
        step,
        title=f"{step.title}; {_title(records)}",
        statements=(*locks, *step.statements, *_made(records)),
        undo=(*locks, *_taken_back(records), *step.undo),
        guards=(*step.guards, *_guards(records)),
        done=_all_true(step.done, *_probes(records)),
        records=_names(records),
    )


def _of_its_own(part: Part, records: Sequence[Record], name: str) -> Step:
    return Step(
        id=f"migrations/{name}",
        part=part,
        turn=Turn.LAST,
        title=_title(records),
        statements=(*_locks(records), *_made(records)),
        undo=(*_locks(records), *_taken_back(records)),
        guards=_guards(records),
        done=_all_true(*_probes(records)),
        records=_names(records),
    )


def _names(records: Sequence[Record]) -> tuple[str, ...]:
    return tuple(record.covered.name for record in records)


def _title(records: Sequence[Record]) -> str:
    tables = dict.fromkeys(record.place.table for record in records)
    return "; ".join(
        f"record {', '.join(r.covered.name for r in records if r.place.table == table)} in {table}" for table in tables
    )


def _locks(records: Sequence[Record]) -> tuple[Statement, ...]:
    keys = dict.fromkeys(key for record in records for key in record.history.locks(record.place))
    return tuple(waiting_for(key) for key in keys)


def _made(records: Iterable[Record]) -> tuple[Statement, ...]:
    return tuple(s for record in records for s in record.history.record(record.entry, record.place))


def _taken_back(records: Sequence[Record]) -> tuple[Statement, ...]:
    return tuple(s for record in reversed(records) for s in record.history.forget(record.entry, record.place))


def _guards(records: Iterable[Record]) -> tuple[Guard, ...]:
    """Where others are recorded behind the last of these, a tool that looks at the last alone never runs it again."""
    last = {record.place.table: record for record in records}
    return tuple(
        Guard(
            relation=str(table),
            query=exists(record.place, record.history.later(record.entry, record.place)),
            what=f"the place of {record.covered.name} in {table}: others are recorded behind it, and taken back it "
            f"{record.history.passed_over}; take those back with {record.covered.tool} first",
        )
        for table, record in last.items()
        if record.history.later is not None
    )


def _probes(records: Iterable[Record]) -> tuple[str, ...]:
    return tuple(record.history.done(record.entry, record.place) for record in records)


def _all_true(*probes: str) -> str:
    if len(probes) == 1:
        return probes[0]
    return render(
        sql.SQL("SELECT {}").format(sql.SQL(" AND ").join(sql.SQL("({})").format(sql.SQL(p)) for p in probes))
    )
