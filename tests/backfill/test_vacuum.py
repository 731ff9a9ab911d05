"""VACUUM between batches: when it is worth it, and that its failure is a line and no more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.backfill import vacuum as module
from crossfade.backfill.vacuum import Cleaner, are_many
from crossfade.postgres.connect import connect

from .filling import KEYED, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from crossfade.postgres.names import QualifiedName

    from .filling import Filling


def vacuum(reach: Callable[[], psycopg.Connection[Any]], relation: QualifiedName) -> str:
    """What a cleaner says of a relation that has very many dead rows."""
    said: list[str] = []
    heard = threading.Event()

    def tell(_relation: QualifiedName, message: str) -> None:
        said.append(message)
        heard.set()

    cleaner = Cleaner(reach, tell)
    cleaner.wrote(relation, 10**9, 10)
    assert heard.wait(30)
    cleaner.close()
    return said[0]


@pytest.mark.parametrize(
    ("dead", "estimated", "many"),
    [
        (0, 0, False),
        (50_000, 0, False),
        (50_001, 0, True),
        (50_001, 250_000, True),
        (100_000, 500_000, False),
        (100_001, 500_000, True),
        (50_001, 10_000_000, False),
    ],
)
def test_dead_rows_are_many_at_a_fifth_of_the_table_and_fifty_thousand(dead: int, estimated: int, many: bool) -> None:
    assert are_many(dead, estimated) is many


def test_dead_rows_of_a_table_are_removed(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(500) + "ALTER TABLE t SET (autovacuum_enabled = off); UPDATE t SET other = 1;")
    assert vacuum(lambda: connect(filling.database.url), filling.table) == "vacuumed"
    # The places of removed rows are taken again before the file grows.
    before = filling.sql("SELECT pg_relation_size('t')")
    filling.sql("UPDATE t SET other = 2 WHERE id <= 400")
    assert filling.sql("SELECT pg_relation_size('t')") == before


def test_a_table_that_somebody_else_has_locked_is_left_alone(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(5))
    filling.other().execute("LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
    said = vacuum(lambda: connect(filling.database.url), filling.table)
    assert said.startswith("not vacuumed: ")
    assert "lock not available" in said


def test_a_role_that_may_not_vacuum_says_so(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(5))
    filling.sql("CREATE ROLE sweeper LOGIN")
    filling.sql(f"GRANT USAGE ON SCHEMA {filling.schema} TO sweeper")
    url = filling.database.server.url(filling.database.name, user="sweeper")
    assert vacuum(lambda: connect(url), filling.table).startswith("not vacuumed: permission denied")


def test_a_table_that_is_gone_and_a_server_that_is_not_there_are_said_in_one_line(
    start: Callable[[str], Filling],
) -> None:
    filling = start(KEYED)
    filling.sql("DROP TABLE t")
    gone = vacuum(lambda: connect(filling.database.url), filling.table)
    assert gone == f'not vacuumed: relation "{filling.schema}.t" does not exist'
    nowhere = vacuum(lambda: connect("host=/nowhere dbname=nothing"), filling.table)
    assert nowhere.startswith("not vacuumed: no connection to nothing")
    assert "\n" not in gone + nowhere


def test_a_vacuum_is_cut_short_when_the_backfill_ends(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(20_000) + "UPDATE t SET other = 1;")
    url = filling.database.server.url(
        filling.database.name, options="-c vacuum_cost_delay=100 -c vacuum_cost_limit=1 -c vacuum_cost_page_miss=100"
    )
    said: list[str] = []
    cleaner = Cleaner(lambda: connect(url), lambda _relation, message: said.append(message))
    cleaner.wrote(filling.table, 10**9, 10)
    while not filling.sql("SELECT 1 FROM pg_stat_progress_vacuum WHERE relid = 't'::regclass"):
        pass
    cleaner.close()
    assert filling.sql("SELECT 1 FROM pg_stat_progress_vacuum WHERE relid = 't'::regclass") == []
    assert said == []


def test_a_backfill_vacuums_on_its_way_and_says_so(
    start: Callable[[str], Filling], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FEWEST", 5)
    filling = start(KEYED + rows(100))
    filling.fill(batch_rows=10, after_batch=lambda number: filling.until_vacuumed() if number == 3 else None)
    assert filling.vacuums[0] == "vacuumed"
    assert filling.sizes == [10, 20, 40, 30]


def test_a_vacuum_that_fails_does_not_end_the_backfill(
    start: Callable[[str], Filling], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FEWEST", 5)
    filling = start(KEYED + rows(100))
    filling.other().execute("LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
    filling.fill(batch_rows=10)
    assert all(said.startswith("not vacuumed: ") for said in filling.vacuums)
    assert filling.pending() == 0
