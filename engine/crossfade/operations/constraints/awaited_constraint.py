"""A constraint that old writers may break: counted before it is enforced, or enforced at once for those who know.

counted   expand    the writes that it would refuse are noted; nobody is refused
          backfill  rows are repaired by `fix`
          contract  behind the gate `violating_writes`: NOT VALID, VALIDATE; then the watching ends
now       expand    NOT VALID: from then on it refuses writes
          backfill  rows are repaired by `fix`; VALIDATE
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.constraints import unvalidated
from crossfade.operations.constraints.unvalidated import Unvalidated
from crossfade.operations.step import Part, RowFill, Step, Turn, Watch
from crossfade.operations.sync import row_functions, watching
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.sync.row_functions import RowFunction
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.sync.watching import Watched
    from crossfade.plan.changes.add_check import Enforce
    from crossfade.postgres.catalog import QualifiedName, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """One constraint, and what has to be so before it is there."""

    watched: Watched
    definition: sql.Composable
    """`CHECK (…)`, `FOREIGN KEY (…) REFERENCES …` over the columns by their final names."""
    definition_now: sql.Composable
    """The same over the columns by the names that they have until contract."""
    members: tuple[QualifiedName, ...]
    """The tables that carry the triggers, by their names after contract."""
    fix: Mapping[str, RowFunction] = field(default_factory=dict)
    """What columns of violating rows get."""


def counted(awaited: Awaited) -> tuple[Step, ...]:
    """The steps where nobody is refused before contract."""
    place, watched, functions = awaited.watched.place, awaited.watched, tuple(awaited.fix.values())
    begin, end = watching.begin(watched), watching.end(watched, awaited.members)
    begin = replace(
        begin,
        statements=(*row_functions.create(place, functions), *begin.statements),
        undo=(*begin.undo, *row_functions.drop(functions)),
    )
    return (
        begin,
        *_added(awaited, awaited.definition, watched.table, Part.HIDE),
        replace(end, statements=(*end.statements, *row_functions.drop(functions))),
    )


def at_once(awaited: Awaited) -> tuple[Step, ...]:
    """The steps where it refuses writes from expand on."""
    table = replace(awaited.watched.table, name=awaited.watched.table.staged)
    add, validate = _added(awaited, awaited.definition_now, table, Part.EXPAND)
    validate = replace(validate, part=Part.SEAL, turn=Turn.AMONG)
    if not awaited.fix:
        return add, validate
    make, take_away = _repairing(awaited)
    return make, add, validate, take_away


def _added(awaited: Awaited, definition: sql.Composable, table: Table, part: Part) -> tuple[Step, Step]:
    """NOT VALID and VALIDATE, after the names that the plan exchanges are exchanged."""
    name = awaited.watched.constraint
    constraint = Unvalidated(
        table=table, name=name, definition=definition, id=f"constraint/{name}", comment=None, part=part
    )
    add, validate = unvalidated.steps(awaited.watched.place, constraint)
    return (
        replace(add, statements=(USERS_PATH, *add.statements, OUR_PATH), turn=Turn.AFTER),
        replace(validate, turn=Turn.AFTER),
    )


def _repairing(awaited: Awaited) -> tuple[Step, Step]:
    """Where nothing watches: the functions that say which rows are to be repaired, and how; there and away."""
    watched, functions = awaited.watched, tuple(awaited.fix.values())
    away = (*row_functions.drop(functions), *watching.drop_condition(watched))
    there = watching.function_exists(watched.violated.name)
    make = Step(
        id=watched.place.id(f"fix/{watched.constraint}"),
        part=Part.EXPAND,
        turn=Turn.AFTER,
        title=f"functions that find and repair rows of {watched.table.name} that violate {watched.constraint}",
        statements=(*watching.condition(watched), *row_functions.create(watched.place, functions)),
        undo=away,
        done=there,
    )
    take_away = Step(
        id=watched.place.id(f"fixed/{watched.constraint}"),
        part=Part.SEAL,
        turn=Turn.AFTER,
        title=f"the functions that repaired rows of {watched.table.name} away",
        statements=away,
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(there))),
    )
    return make, take_away


def fills(awaited: Awaited, enforce: Enforce) -> tuple[RowFill, ...]:
    """The rows that are repaired in backfill; where writes are only counted, others may come meanwhile."""
    if not awaited.fix:
        return ()
    watched, table = awaited.watched, awaited.watched.table
    return (
        RowFill(
            id=watched.place.id(f"fix/{watched.constraint}"),
            schema=table.staged.schema,
            table=table.staged.name,
            assignment=row_functions.assignment(table, awaited.fix),
            pending=watched.pending,
            touched=tuple(c.staged for c in row_functions.named(table, awaited.fix)),
            stays=enforce == "now",
        ),
    )


def compiled_steps(awaited: Awaited, enforce: Enforce) -> tuple[tuple[Step, ...], tuple[Watch, ...]]:
    """The steps, and what the gate has to know, by when the constraint is enforced."""
    if enforce == "now":
        return at_once(awaited), ()
    return counted(awaited), (watching.watch(awaited.watched),)
