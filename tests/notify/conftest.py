"""A ledger for the tests of notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .runs import Runs, runs_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.database import Database


@pytest.fixture
def runs(database: Database) -> Iterator[Runs]:
    """An empty ledger."""
    made = runs_in(database)
    yield made
    made.connection.close()
