"""What part of a relation lies before its frontier, by where that stands among the keys; no row is counted for it.

The keys' places come from the histogram that ANALYZE made of the key's first column, in steps of about a hundredth of
the rows; within a step they are measured where the type is a number, a time or a uuid. Keys that came after ANALYZE are
measured on by the mean density. Rows without a key are placed by their block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from crossfade.backfill.ranges import block_of
from crossfade.postgres.connect import is_loss

if TYPE_CHECKING:
    from crossfade.backfill.task import Task

_NUMBER = sql.SQL("{}::double precision")
_TIME = sql.SQL("pg_catalog.date_part('epoch', {})")
_UUID = sql.SQL("('x' || pg_catalog.substr({}::text, 1, 8))::bit(32)::bigint::double precision")
_UNMEASURED = sql.SQL("NULL::double precision")
_MEASURES = {
    **dict.fromkeys(("smallint", "integer", "bigint", "numeric", "real", "double precision"), _NUMBER),
    **dict.fromkeys(("date", "timestamp without time zone", "timestamp with time zone"), _TIME),
    "uuid": _UUID,
}
_FEWEST_BOUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a key stands in a histogram; `measure` and the others are on one scale, None where the type has none."""

    passed: int
    """Bounds that are not above the key."""
    bounds: int
    measure: float | None
    below: float | None
    """Of the last bound that was passed."""
    above: float | None
    """Of the next."""
    first: float | None
    """Of the first bound."""


def cut_fraction(connection: psycopg.Connection[Any], task: Task) -> float | None:
    """What part of the relation's rows lies in a batch, from 0 to 1; None where its statistics do not say."""
    if task.is_cut:
        return 1.0
    if task.frontier is None or task.upper is None:
        return 0.0
    if task.key.is_place:
        return block_of(task.frontier) / max(1, block_of(task.upper))
    places = _places(connection, task)
    if not places:
        return None
    frontier, upper = (position(place) for place in places)
    # The greatest key is hardly ever in the sample; where it cannot be measured the histogram is taken to reach it.
    end = 1.0 if upper is None else upper
    return None if frontier is None or end == 0 else min(1.0, frontier / end)


def position(place: Place) -> float | None:
    """How many times the rows of the histogram lie before a key: from 0 to 1 within it, more behind it; pure.

    None without a histogram, and behind it for a type that cannot be measured.
    """
    if place.bounds < _FEWEST_BOUNDS:
        return None
    if place.passed == 0:
        return 0.0
    steps = place.bounds - 1
    if place.passed == place.bounds:
        behind = _part(place.measure, place.first, place.below)
        return None if behind is None else max(1.0, behind)
    within = _part(place.measure, place.below, place.above)
    return (place.passed - 1 + (0.5 if within is None else min(1.0, max(0.0, within)))) / steps


def _part(at: float | None, start: float | None, end: float | None) -> float | None:
    """How far between two measures one is; None where that cannot be said, as beside an infinite one."""
    if at is None or start is None or end is None or end <= start:
        return None
    part = (at - start) / (end - start)
    return part if part == part and abs(part) != float("inf") else None


def _places(connection: psycopg.Connection[Any], task: Task) -> list[Place]:
    assert task.frontier is not None
    assert task.upper is not None
    column, type_name = task.key.columns[0], task.key.types[0]
    if type_name.endswith("[]"):
        # The bounds of arrays are one array of more dimensions, which cannot be taken apart into them.
        return []
    measure = _MEASURES.get(type_name, _UNMEASURED)
    query = sql.SQL(_text()).format(
        type=sql.SQL(type_name.replace("%", "%%")),  # PostgreSQL's own spelling, out of its catalog
        bound_measure=measure.format(sql.SQL("b.value")),
        key_measure=measure.format(sql.SQL("k.value")),
        collate=_collation(connection, task, column),
    )
    facts = {
        "schema": task.relation.schema,
        "table": task.relation.name,
        "column": column,
        "frontier": task.frontier[0],
        "upper": task.upper[0],
    }
    try:
        with connection.transaction(), connection.cursor(row_factory=class_row(Place)) as cursor:
            return cursor.execute(query, facts).fetchall()
    except psycopg.Error as error:
        if is_loss(error):
            raise
        # A type whose statistics cannot be read like this (composite ones): nobody has to know where it stands.
        return []


def _collation(connection: psycopg.Connection[Any], task: Task, column: str) -> sql.Composable:
    """The clause for the collation that orders the column; nothing for a type that has none."""
    row = connection.execute(
        "SELECT n.nspname, c.collname FROM pg_catalog.pg_attribute a"
        " JOIN pg_catalog.pg_class r ON r.oid = a.attrelid JOIN pg_catalog.pg_namespace s ON s.oid = r.relnamespace"
        " JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace"
        " WHERE s.nspname = %s AND r.relname = %s AND a.attname = %s AND NOT a.attisdropped",
        [task.relation.schema, task.relation.name, column],
    ).fetchone()
    return sql.SQL("") if row is None else sql.SQL("COLLATE {}").format(sql.Identifier(*row))


@cache
def _text() -> str:
    return (resources.files("crossfade.backfill") / "sql" / "position.sql").read_text(encoding="utf-8")
