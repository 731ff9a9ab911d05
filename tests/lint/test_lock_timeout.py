"""Of which lock it is said that no lock_timeout limits the wait for it."""

from __future__ import annotations

import pytest

from crossfade.lint.finding import Severity
from crossfade.migrations.migration import Transaction

from .shop import IN_USE
from .told import Written, rules, told

ADD = "ALTER TABLE users ADD COLUMN a int;"


@pytest.mark.parametrize(
    ("transaction", "before", "limited"),
    [
        (Transaction.NEVER, "SET lock_timeout = '2s';", True),
        (Transaction.ALWAYS, "SET lock_timeout = '0s';", False),
        (Transaction.ALWAYS, "SET LOCAL lock_timeout = '2s';", True),
        (Transaction.NEVER, "SET LOCAL lock_timeout = '2s';", False),
        (Transaction.NEVER, "BEGIN; SET LOCAL lock_timeout = '2s';", True),
        (Transaction.NEVER, "BEGIN; SET LOCAL lock_timeout = '2s'; COMMIT;", False),
        (Transaction.NEVER, "SELECT set_config('lock_timeout', '2s', false);", True),
        (Transaction.NEVER, "SELECT set_config('lock_timeout', '2s', true);", False),
        (Transaction.ALWAYS, "SELECT set_config('lock_timeout', '0', false);", False),
        (Transaction.ALWAYS, "SELECT set_config();", False),
    ],
)
def test_a_timeout_holds_as_long_as_it_is_set(transaction: Transaction, before: str, limited: bool) -> None:
    found = rules(told(f"{before} {ADD}", written=Written(transaction=transaction, schema=IN_USE)))

    assert ("lock-timeout-missing" not in found) == limited


def test_timeout_is_said_once_at_the_first_lock() -> None:
    sql = "SELECT 1;\nALTER TABLE users ADD COLUMN a int;\nALTER TABLE orders ADD COLUMN a int;"
    found = [f for f in told(sql, written=Written(schema=IN_USE)) if f.rule == "lock-timeout-missing"]

    assert [(f.position.line, f.severity) for f in found] == [(2, Severity.WARNING)]
