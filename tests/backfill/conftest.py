"""Fixtures of the backfill: one database with a ledger for all tests of a file, a schema of its own for each."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from crossfade.postgres.connect import connect
from crossfade.workflow import ledger

from ..fixtures.database import fresh_database
from .filling import RENAME, Filling, begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

NUMBERS = count(1)


@pytest.fixture(scope="module")
def shared(server: Server) -> Iterator[Database]:
    """A database with a ledger, for every test of the file."""
    with fresh_database(server) as made:
        with connect(made.url) as connection:
            ledger.install(connection)
        yield made


@pytest.fixture
def start(shared: Database) -> Iterator[Callable[..., Filling]]:
    """Makes a table `t` by SQL and expands it; what is in the table then is pending."""
    made: list[Filling] = []

    def make(ddl: str, change: str = RENAME) -> Filling:
        made.append(begin(shared, f"s{next(NUMBERS)}", ddl, change))
        return made[-1]

    yield make
    for filling in made:
        filling.connection.close()
    shared.close()
