"""A column in another one's place has the DEFAULT and the NOT NULL of its own, as the statements leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.workflow.whole_history import difference, run_plans

from ...fixtures.database import fresh_database
from ...fixtures.long import few_of
from ..imported.reading import imports

if TYPE_CHECKING:
    from ...fixtures.database import Database
    from ...fixtures.servers import Server

BEFORE = """
CREATE TABLE t (
    id int PRIMARY KEY, c int DEFAULT 5, n int NOT NULL DEFAULT 5, q int CHECK (q > 0), u int UNIQUE, k int REFERENCES t
);
CREATE INDEX t_q ON t (q);
"""
BY_HAND = "ALTER TABLE t ADD c2 text; UPDATE t SET c2 = c::text; ALTER TABLE t DROP c; ALTER TABLE t RENAME c2 TO c;"
CASES = [
    BY_HAND,
    BY_HAND.replace("c2 text", "c2 text DEFAULT 'a'"),
    BY_HAND.replace("c2 text", "c2 boolean").replace("c::text", "c > 1"),
    "ALTER TABLE t DROP n, ADD n text; ALTER TABLE t DROP q, ADD q text; ALTER TABLE t DROP k, ADD k text;",
    "ALTER TABLE t DROP n, ADD n boolean NOT NULL DEFAULT true; ALTER TABLE t DROP c, ADD c bigint NOT NULL DEFAULT 5;",
    "ALTER TABLE t DROP c, ADD c text DEFAULT 'a' CHECK (c > '');",
    "ALTER TABLE t DROP c, ADD d int DEFAULT 2;",
    "ALTER TABLE t ADD d int; UPDATE t SET d = n; ALTER TABLE t DROP n;",
    "ALTER TABLE t DROP u, ADD u text; CREATE UNIQUE INDEX t_u_key ON t (u);",
]


@pytest.mark.parametrize("sql", few_of(CASES, {BY_HAND, CASES[4]}))
def test_they_leave_what_the_statements_leave(sql: str, server: Server, database: Database) -> None:
    every = imports(BEFORE, sql)
    assert not any(one.problems for one in every)
    run_plans(database.url, every)
    with fresh_database(server) as other, other.connect(autocommit=True) as connection:
        connection.execute(BEFORE.encode())
        connection.execute(sql.encode())
        meant = other.dump()
    assert difference(meant, database.dump()) == ""
