"""What a server makes of the ways in which tools send a migration is what `Transaction` says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import pq

from crossfade.migrations.migration import Transaction
from crossfade.migrations.script import Script

from .folders import script_of

if TYPE_CHECKING:
    from ..fixtures.database import Database

ALONE = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (id);"
SEVERAL = f"SET lock_timeout = '2s';\n{ALONE}"


def send(connection: psycopg.Connection[tuple[object, ...]], script: Script, transaction: Transaction) -> str | None:
    """The SQLSTATE of what fails, where something does."""
    texts = [statement.text for statement in script.statements]
    sent = {
        Transaction.ALWAYS: ["BEGIN", *texts, "ROLLBACK"],
        Transaction.IF_SEVERAL: [script.source.text],
        Transaction.NEVER: texts,
    }[transaction]
    failures = []
    for text in sent:
        result = connection.pgconn.exec_(text.encode())
        failures.append(result.error_field(pq.DiagnosticField.SQLSTATE))
    state = next(filter(None, failures), None)
    return None if state is None else state.decode()


@pytest.mark.every_server
def test_only_some_ways_let_a_statement_stand_alone(database: Database) -> None:
    refused = "25001"
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE a (id int)")
        found = {
            (way, len(script.statements)): send(connection, script, way)
            for way in Transaction
            for script in (script_of(ALONE), script_of(SEVERAL))
        }

    assert found == {
        (Transaction.ALWAYS, 1): refused,
        (Transaction.ALWAYS, 2): refused,
        (Transaction.IF_SEVERAL, 1): None,
        (Transaction.IF_SEVERAL, 2): refused,
        (Transaction.NEVER, 1): None,
        (Transaction.NEVER, 2): None,
    }
