"""The locks, rewrites and scans of a program's statements, each foreseen in the schema that the one before it leaves.

What is taken back is taken back in reverse order, from what the last step before the drop leaves: the undo of one step
may need what the undo of a later one has made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crossfade.operations.impossible import Impossible
from crossfade.operations.step import Part
from crossfade.postgres.forecast import Schema

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Step
    from crossfade.postgres.catalog import Catalog
    from crossfade.postgres.statement import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """The steps of a program with what they do, and what PostgreSQL would not let them do."""

    steps: tuple[Step, ...]
    refusals: tuple[Refusal, ...]


def foreseen(steps: Iterable[Step], catalog: Catalog) -> Foreseen:
    """The steps in the order of execution, their statements with what they do to tables that others can see."""
    schema, impossible = Schema.of(catalog), Impossible(catalog)
    told: list[Step] = []
    for step in steps:
        if step.part is Part.DROP and not any(s.part is Part.DROP for s in told):
            told = _with_undo(told, schema)
        cleanup, _ = _statements(step.cleanup, schema.seen_by_others())
        statements, schema = _statements(step.statements, schema.seen_by_others(), impossible)
        told.append(replace(step, cleanup=cleanup, statements=statements))
    told = told if any(s.part is Part.DROP for s in told) else _with_undo(told, schema)
    return Foreseen(steps=tuple(told), refusals=tuple(impossible.refusals()))


def _with_undo(steps: list[Step], schema: Schema) -> list[Step]:
    told: list[Step] = []
    for step in reversed(steps):
        undo, schema = _statements(step.undo, schema.seen_by_others())
        told.insert(0, replace(step, undo=undo))
    return told


def _statements(
    statements: Iterable[Statement], schema: Schema, impossible: Impossible | None = None
) -> tuple[tuple[Statement, ...], Schema]:
    told: list[Statement] = []
    for statement in statements:
        forecast, schema = schema.foresee(statement.text)
        if impossible is not None:
            impossible.add(forecast)
        told.append(
            replace(
                statement,
                locks=forecast.locks,
                rewrites=bool(forecast.rewrites),
                scans=bool(forecast.scans),
            )
        )
    return tuple(told), schema
