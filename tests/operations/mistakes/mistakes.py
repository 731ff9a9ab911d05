"""Plans with a mistake in one field, out of the sound ones of the life test; and what becomes of each.

One field at a time gets another value or another name, is left out, is said twice. `check` finds the mistake, or what
is left is a plan all the same: it goes to its end, or stops where only rows or gates can tell. No statement of it may
fail for what it says.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import yaml
from psycopg import sql

from crossfade import Engine
from crossfade.errors import CrossfadeError, InvalidPlan, StepFailed
from crossfade.operations.acks import ACKS
from crossfade.operations.step import Phase

from ...fixtures.database import fresh_database

if TYPE_CHECKING:
    from ...fixtures.database import Database
    from ..life.case import Case

TEXTS = ("nosuch", "id", "nosuch(id)", "'abc'", "NULL", "random()", "text", "json")
NUMBERS = (-1, 0, 10**12)
_OF_ROWS = "SQLSTATE 23505"
"""Rows with the same values keep a unique index from being built."""
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """The entries of a plan in which one field is not what it was."""

    what: str
    entries: list[Any]


def mistakes(entries: list[Any]) -> Iterator[Mistake]:
    """Every one, a field at a time."""
    for place, value in _fields(entries):
        for number, other in enumerate(_others(value)):
            yield Mistake(what=f"{place} is {value!r} no more, {number}", entries=_with(entries, place, other))


def _fields(node: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """What stands in the entries, with its place; the entries and their kinds are no fields."""
    if len(place) > 1:
        yield place, node
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, part in parts:
        yield from _fields(part, (*place, key))


def _others(value: Any) -> Iterator[Any]:
    match value:
        case bool():
            yield not value
        case int():
            yield from NUMBERS
        case str():
            yield from (*TEXTS, value[:-1] or "q", f"{value} + 1")
        case list():
            yield from ([*value, "nosuch"], [*value, *value[-1:]], [])
        case dict():
            for key in value:
                rest = {k: v for k, v in value.items() if k != key}
                yield from (rest, {**rest, "nosuch": value[key]}, {**rest, "id": value[key]})


def _with(entries: list[Any], place: Place, value: Any) -> list[Any]:
    changed = copy.deepcopy(entries)
    node: Any = changed
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    return changed


def failures(case: Case, database: Database) -> list[str]:
    """The mistakes that `check` lets pass and on which a statement then fails; other errors than ours are raised."""
    for role in case.roles:
        database.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    database.execute(case.setup)
    found = []
    with Engine(database.url) as engine:
        passed = [m for m in mistakes(yaml.safe_load(dedent(case.changes))) if _passes(case, m, engine)]
    for mistake in passed:
        with fresh_database(database.server) as own:
            own.execute(case.setup)
            try:
                _run(case, mistake, own)
            except StepFailed as error:
                if _OF_ROWS not in str(error):
                    found.append(f"{mistake.what}: {error}")
            except CrossfadeError:
                # Rows, gates and conflicts are for the run to tell.
                continue
    return found


def _as_case(case: Case, mistake: Mistake) -> Case:
    return replace(case, changes=json.dumps(mistake.entries))


def _passes(case: Case, mistake: Mistake, engine: Engine) -> bool:
    try:
        plan = _as_case(case, mistake).plan
    except InvalidPlan:
        return False
    return not engine.check(plan, ACKS).refusals


def _run(case: Case, mistake: Mistake, database: Database) -> None:
    plan = _as_case(case, mistake).plan
    with Engine(database.url) as engine:
        engine.start(plan, ACKS)
        for phase in Phase:
            engine.approve(plan.name, phase, "alice")
        engine.advance(plan.name)
        database.execute("UPDATE crossfade.runs SET retain_until = clock_timestamp() WHERE retain_until IS NOT NULL")
        engine.advance(plan.name)
