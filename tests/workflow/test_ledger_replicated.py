"""The ledger in a publication FOR ALL TABLES: what apps and gates write to it must not fail because of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.workflow.engine import Engine

if TYPE_CHECKING:
    from ..fixtures.database import Database

WITHOUT_IDENTITY = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'crossfade'::regnamespace AND c.relkind = 'r' AND c.relname <> 'fence' AND c.relreplident <> 'f'
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
"""
"""`fence` is only ever locked."""


@pytest.fixture
def replicated(database: Database) -> Database:
    with Engine(database.url) as engine:
        engine.init()
    database.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    return database


def test_each_table_has_what_tells_its_rows_apart(replicated: Database) -> None:
    assert replicated.execute(WITHOUT_IDENTITY) == []


def test_heartbeats_and_what_they_clear_away_go_on(replicated: Database) -> None:
    replicated.execute(
        "INSERT INTO crossfade.legacy_writes"
        " SELECT 'p', 'legacy', 't', 'c', 'app', 'role', NULL, clock_timestamp() - g * interval '1 h'"
        " FROM generate_series(1, 3) g"
    )
    replicated.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-a')")
    replicated.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-a')")
    replicated.execute("SELECT crossfade.compact_legacy_writes()")
    assert replicated.execute("SELECT count(*) FROM crossfade.legacy_writes") == [(1,)]
