"""A transaction pooler is recognised by what it does, with a real PgBouncer in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.errors import DatabaseUnreachable, UsageError
from crossfade.postgres.connect import connect
from crossfade.postgres.pooler import transaction_pooler

from ..fixtures.pgbouncer import pgbouncer

if TYPE_CHECKING:
    from ..fixtures.database import Database


def test_a_direct_connection_has_no_pooler(database: Database) -> None:
    assert transaction_pooler(database.url) is None


@pytest.mark.parametrize("pool_mode", ["transaction", "statement"])
def test_two_sessions_on_one_server_process_are_a_transaction_pooler(database: Database, pool_mode: str) -> None:
    with pgbouncer(database, pool_mode=pool_mode) as url:
        found = transaction_pooler(url)
    assert found is not None
    assert "the same server process" in found


def test_a_pool_of_one_server_process_is_recognised(database: Database) -> None:
    with pgbouncer(database, pool_mode="transaction", pool_size=1) as url:
        assert transaction_pooler(url) is not None


def test_a_session_that_moves_between_server_processes_is_a_transaction_pooler(database: Database) -> None:
    with pgbouncer(database, pool_mode="transaction", round_robin=True) as url:
        # Two transactions at a time make the pool open two server processes.
        with psycopg.connect(url) as one, psycopg.connect(url) as two:
            one.execute("SELECT 1")
            two.execute("SELECT 1")
        found = transaction_pooler(url)
    assert found is not None
    assert "two server processes" in found


def test_a_pool_in_session_mode_is_as_good_as_none(database: Database) -> None:
    with pgbouncer(database, pool_mode="session") as url:
        assert transaction_pooler(url) is None


def test_a_session_pool_of_one_server_process_does_not_hang_us(database: Database) -> None:
    with pgbouncer(database, pool_mode="session", pool_size=1) as url:
        assert transaction_pooler(url) is None


@pytest.mark.parametrize("pool_mode", ["transaction", "session"])
def test_our_sessions_open_through_a_pool(database: Database, pool_mode: str) -> None:
    with pgbouncer(database, pool_mode=pool_mode) as url, connect(url) as connection:
        assert connection.execute("SELECT current_database()::text").fetchall() == [(database.name,)]


def test_looking_for_a_pooler_leaves_the_sessions_of_its_apps_alone(database: Database) -> None:
    shown = "SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY name"
    with (
        pgbouncer(database, pool_mode="transaction", pool_size=1) as url,
        psycopg.connect(url, autocommit=True) as app,
    ):
        before = app.execute(shown).fetchall()
        assert transaction_pooler(url) is not None
        assert app.execute(shown).fetchall() == before


def test_a_url_that_cannot_be_read_is_told_without_its_password() -> None:
    with pytest.raises(UsageError) as caught:
        transaction_pooler("postgresql://me:secret@localhost/shop?nonsense=1")
    assert "secret" not in caught.value.message


def test_a_role_with_one_connection_only_is_told_so(database: Database) -> None:
    database.execute("CREATE ROLE pooler_single LOGIN CONNECTION LIMIT 1")
    with pytest.raises(DatabaseUnreachable, match="too many connections") as caught:
        transaction_pooler(database.server.url(database.name, user="pooler_single"))
    assert caught.value.hint is not None
