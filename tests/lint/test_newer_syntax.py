"""`newer-syntax`: what a version does not know fails there, and is nothing to speak of from the first that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema

from .told import Written, rules, told

if TYPE_CHECKING:
    from ..fixtures.database import Database

TABLES = "CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (1) STORED, during int4range);"
CASES = [
    (18, "ALTER TABLE t ADD v int GENERATED ALWAYS AS (a) VIRTUAL"),
    (18, "ALTER TABLE t ADD CONSTRAINT z NOT NULL a NOT VALID"),
    (18, "ALTER TABLE t ADD CONSTRAINT z CHECK (a > 0) NOT ENFORCED"),
    (18, "ALTER TABLE t ADD CONSTRAINT z FOREIGN KEY (a) REFERENCES t NOT ENFORCED"),
    (18, "UPDATE t SET a = 1 RETURNING WITH (OLD AS o) o.a"),
    (17, "ALTER TABLE t ALTER g SET EXPRESSION AS (2)"),
    (17, "MERGE INTO t USING t s ON t.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE"),
    (17, "MERGE INTO t USING t s ON t.id = s.id WHEN MATCHED THEN DELETE RETURNING t.id"),
    (17, "CREATE VIEW v AS SELECT JSON_EXISTS(jsonb '1', '$') AS b"),
    (16, "CREATE VIEW v AS SELECT '1' IS JSON AS b"),
    (16, "CREATE TABLE u (a text STORAGE EXTERNAL)"),
    (15, "MERGE INTO t USING t s ON t.id = s.id WHEN MATCHED THEN DELETE"),
    (15, "CREATE UNIQUE INDEX ON t (a) NULLS NOT DISTINCT"),
    (15, "ALTER TABLE t SET ACCESS METHOD heap"),
    (15, "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES t ON DELETE SET NULL (a)"),
    (15, "CREATE VIEW v WITH (security_invoker) AS SELECT 1 AS a"),
]
NEITHER = [
    "ALTER TABLE t ADD CONSTRAINT z CHECK (a > 0) NOT VALID",
    "ALTER TABLE t ADD v int GENERATED ALWAYS AS (a) STORED NOT NULL",
    "ALTER TABLE t ADD UNIQUE (a), ADD FOREIGN KEY (a) REFERENCES t",
]


def is_found(sql: str, major: int) -> bool:
    schema = Schema.of(Catalog(server_version=major * 10_000, time_zone="?"))
    return "newer-syntax" in rules(told(TABLES, f"{sql};", written=Written(schema=schema)))


@pytest.mark.parametrize(("first", "sql"), CASES)
def test_a_version_is_told_what_it_does_not_know(first: int, sql: str) -> None:
    assert is_found(sql, first - 1)
    assert not is_found(sql, first)


@pytest.mark.parametrize("sql", NEITHER)
def test_what_all_versions_know_is_no_finding(sql: str) -> None:
    assert not is_found(sql, 14)


@pytest.mark.every_server
def test_a_server_agrees(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        major = connection.info.server_version // 10_000
        connection.execute(TABLES.encode())
        for first, sql in CASES:
            works = True
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute(sql.encode())
            except psycopg.Error:
                works = False
            assert works is (major >= first), sql
