"""A mistake in any field of a plan is found by `check`, or is none; `tests/stress/test_mistakes.py` has all cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..life.cases import drop_table
from .mistakes import failures

if TYPE_CHECKING:
    from ...fixtures.database import Database


def test_no_statement_fails_for_what_it_says(database: Database) -> None:
    assert failures(drop_table.CASES[0], database) == []
