"""Fixtures of the gates: one database with a ledger for all tests of a file, a schema and a run for each."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from crossfade.postgres.connect import connect
from crossfade.workflow import ledger

from ..fixtures.database import fresh_database
from .expanded import Expanded, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

NUMBERS = count(1)
END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
"""A connection that is closed is still seen for a moment; this waits until it is gone."""


@pytest.fixture(scope="module")
def shared(server: Server) -> Iterator[Database]:
    """A database with a ledger, for every test of the file."""
    with fresh_database(server) as made:
        with connect(made.url) as connection:
            ledger.install(connection)
        yield made


@pytest.fixture
def start(shared: Database) -> Iterator[Callable[..., Expanded]]:
    """Makes a table `t` by SQL and expands a plan that renames its column; what is sighted is forgotten afterwards."""
    made: list[Expanded] = []

    def make(ddl: str, plan: str = "", *, change: str = "") -> Expanded:
        made.append(expand(shared, f"g{next(NUMBERS)}", ddl, plan, change))
        return made[-1]

    yield make
    for expanded in made:
        expanded.connection.close()
    shared.execute(END_OTHERS)
    shared.close()
    shared.execute("DELETE FROM crossfade.sightings")
