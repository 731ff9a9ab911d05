"""What findings show instead: it works on a server, and lint itself has nothing against it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from pglast.parser import ParseError, split

from crossfade.migrations.migration import Transaction

from ..fixtures.database import fresh_database
from .shop import IN_USE, SHOP, SPEAKS
from .told import Written, errors, told

if TYPE_CHECKING:
    from ..fixtures.servers import Server

REFUSED = {"not-in-a-transaction", "concurrently-not-possible"}
NOT_HERE = {"storage-change"}
"""Their tablespace is not there."""
AFTER = {"foreign-key-without-index"}
"""Theirs comes after the statement, not in its place."""
REST_ONLY = {"validate-in-same-transaction"}
"""Of theirs only the later half is shown."""


def shown(rule: str, sql: str, version: int = 140000) -> list[str]:
    """The rule's advice, where it is SQL; a sentence is none, nor is what the user has to complete."""
    schema = replace(IN_USE, server_version=version)
    found = [f for f in told(sql, written=Written(schema=schema)) if f.rule == rule and f.instead is not None]
    advice = [] if rule in REST_ONLY | NOT_HERE | REFUSED else [str(f.instead) for f in found]
    return [text for text in advice if "…" not in text and is_sql(text)]


def is_sql(text: str) -> bool:
    try:
        return bool(split(text))
    except ParseError:
        return False


CASES = [(rule, sql) for rule, sql in SPEAKS if rule not in AFTER and shown(rule, sql)]


@pytest.mark.parametrize(("rule", "sql"), CASES)
def test_instead_is_no_error_itself(rule: str, sql: str) -> None:
    for text in shown(rule, sql):
        found = errors(told(text, written=Written(transaction=Transaction.NEVER, schema=IN_USE)))

        assert [f.message for f in found] == [], text


@pytest.mark.every_server
def test_instead_works(server: Server) -> None:
    """Each on a shop of its own with a few rows."""
    known = [(rule, sql) for rule, sql in CASES if "nobody_knows_it" not in sql]
    with fresh_database(server) as database, psycopg.connect(database.url, autocommit=True) as connection:
        version = connection.info.server_version
        for rule, sql in known:
            for text in shown(rule, sql, version):
                connection.execute("DROP SCHEMA public CASCADE")
                connection.execute("CREATE SCHEMA public")
                connection.execute(SHOP.encode())
                connection.execute("INSERT INTO users (id, email, age, seen) VALUES (1, 'a@b.c', 20, now())")
                connection.execute("INSERT INTO users (id, email, age, seen) VALUES (2, 'd@e.f', 30, now())")
                for statement in split(text):
                    connection.execute(statement.encode())


@pytest.mark.every_server
def test_what_is_called_refused_is(server: Server) -> None:
    with fresh_database(server) as database, psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(SHOP.encode())
        for rule, sql in SPEAKS:
            if rule not in REFUSED:
                continue
            in_transaction = rule == "not-in-a-transaction"
            how = Written(transaction=Transaction.ALWAYS if in_transaction else Transaction.NEVER, schema=IN_USE)
            (found,) = [f for f in told(sql, written=how) if f.rule == rule]
            connection.execute("BEGIN" if in_transaction else "SELECT 1")
            with pytest.raises(psycopg.Error) as refusal:
                connection.execute(sql.encode())
            connection.execute("ROLLBACK")

            assert f"fails with {refusal.value.sqlstate}:" in found.message
