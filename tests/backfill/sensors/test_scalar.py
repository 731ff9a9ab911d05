"""The plan's own SELECT: what its value means, and that it can only look."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.backfill.sensors.scalar import Observation, judge, observe

if TYPE_CHECKING:
    from ...fixtures.database import Database

CASES = [
    (None, None),
    (False, None),
    (0, None),
    (-1, None),
    (0.0, None),
    (Decimal("0.00"), None),
    (True, "throttle_sql is true"),
    (1, "throttle_sql is 1, more than 0"),
    (0.25, "throttle_sql is 0.25, more than 0"),
    (Decimal("12.5"), "throttle_sql is 12.5, more than 0"),
    (float("nan"), "throttle_sql cannot be read: 'nan' is neither a number nor true or false"),
    (Decimal("NaN"), "throttle_sql cannot be read: 'NaN' is neither a number nor true or false"),
    ("t", "throttle_sql cannot be read: 't' is neither a number nor true or false"),
]


@pytest.mark.parametrize(("value", "reason"), CASES)
def test_true_and_more_than_nothing_stop_the_batches(value: Any, reason: str | None) -> None:
    assert judge(Observation(columns=1, rows=1, value=value)) == reason


@pytest.mark.parametrize(("columns", "rows"), [(0, 1), (2, 1), (1, 2)])
def test_anything_but_one_value_cannot_be_read(columns: int, rows: int) -> None:
    reason = judge(Observation(columns=columns, rows=rows, value=0))
    assert reason == f"throttle_sql cannot be read: it gives {rows} rows of {columns} columns"


@pytest.mark.every_server
@pytest.mark.parametrize(
    ("statement", "stops"),
    [
        ("SELECT count(*) > 1 FROM public.queue", True),
        ("SELECT count(*) FROM public.queue WHERE a LIKE 'x%'", False),
        ("SELECT 1 FROM public.queue WHERE false", False),
        ("SELECT max(length(a)) - 0.5 FROM public.queue", True),
        ("SELECT * FROM public.queue", True),
        ("SELECT", True),
    ],
)
def test_a_real_statement(watched: Database, sensing: psycopg.Connection[Any], statement: str, stops: bool) -> None:
    watched.execute("CREATE TABLE queue AS SELECT 'a' AS a FROM generate_series(1, 2)")
    assert (judge(observe(sensing, statement)) is not None) is stops


@pytest.mark.every_server
def test_it_can_only_look(watched: Database, sensing: psycopg.Connection[Any]) -> None:
    watched.execute("CREATE SEQUENCE s")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        observe(sensing, "SELECT nextval('public.s')")
    assert judge(observe(sensing, "SELECT last_value = 1 AND NOT is_called FROM public.s")) == "throttle_sql is true"
    assert sensing.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
