"""A mistake in any field of any kind of change: `check` finds it, or the plan goes to its end.

Some four thousand plans on each server, of which about a thousand are run: `pytest -n 2 tests/stress/test_mistakes.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..operations.life.test_life import cases
from ..operations.mistakes.mistakes import failures

if TYPE_CHECKING:
    from ..fixtures.database import Database
    from ..operations.life.case import Case


@pytest.mark.every_server
@pytest.mark.parametrize("case", [pytest.param(c, id=f"{file}: {c.id}") for file, found in cases() for c in found])
def test_no_statement_fails_for_what_it_says(case: Case, database: Database) -> None:
    if database.server.major < case.oldest:
        pytest.skip(f"PostgreSQL {database.server.version} cannot run this case")
    assert failures(case, database) == []
