"""The sensor that a plan writes itself: one SELECT whose value says whether to wait."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crossfade.backfill.sensors.reading import Sensor

if TYPE_CHECKING:
    import psycopg

_SHOWN_AT_MOST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What the statement gave."""

    columns: int
    rows: int
    value: Any = None
    """The first value of the first row; None where there is no row."""


def observe(connection: psycopg.Connection[Any], statement: str) -> Observation:
    """Run the statement in a read-only transaction; the session's time-outs apply. Raises psycopg.Error."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        cursor = connection.execute(statement.encode())
        rows = cursor.fetchall()
    columns = len(cursor.description or ())
    return Observation(columns=columns, rows=len(rows), value=rows[0][0] if rows and columns else None)


def judge(observation: Observation) -> str | None:
    """Wait for true and for a number above 0; not for false, NULL or no row. Anything else says nothing, and waits."""
    value = observation.value
    if observation.columns != 1 or observation.rows > 1:
        return f"{Sensor.SQL} cannot be read: it gives {observation.rows} rows of {observation.columns} columns"
    if value is None or value is False:
        return None
    if value is True:
        return f"{Sensor.SQL} is true"
    if not isinstance(value, int | float | Decimal) or math.isnan(value):
        return f"{Sensor.SQL} cannot be read: {str(value)[:_SHOWN_AT_MOST]!r} is neither a number nor true or false"
    return f"{Sensor.SQL} is {value}, more than 0" if value > 0 else None
