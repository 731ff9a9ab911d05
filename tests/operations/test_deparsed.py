"""A definition that the server printed, read back, prints the same again; and what is mended in it is only that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crossfade.operations.views.deparsed import repeatable

if TYPE_CHECKING:
    import psycopg

    from ..fixtures.database import Database

MENDED = {
    "SELECT ((x)::text = ANY ((ARRAY['a'::character varying, 'é'::character varying])::text[])) AS y": (
        "SELECT ((x)::text = ANY ((ARRAY['a'::character varying, 'é'::character varying])"
        '::"pg_catalog"."varchar"[]::text[])) AS y'
    ),
    "SELECT (ARRAY[x, ('a'::s.\"T\")])::text[] AS y": 'SELECT (ARRAY[x, (\'a\'::s."T")])::"s"."T"[]::text[] AS y',
    "SELECT 'ü'::text, (1)::bigint FROM t": 'SELECT \'ü\'::text AS "?column?", (1)::bigint AS "?column?" FROM t',
    "SELECT x UNION SELECT NULL::numeric(10,2) UNION SELECT 'a'::text ORDER BY 1": (
        'SELECT x UNION SELECT NULL::numeric(10,2) AS "?column?" UNION SELECT \'a\'::text AS "?column?" ORDER BY 1'
    ),
    "SELECT x FROM (SELECT '2'::timestamp(3) with time zone) y(x)": (
        "SELECT x FROM (SELECT '2'::timestamp(3) with time zone AS \"?column?\") y(x)"
    ),
    "SELECT 'a'::text": "SELECT 'a'::text AS \"?column?\"",
}
KEPT = (
    "SELECT 'a, ARRAY[''b''::text]::text[]'::text AS x, ARRAY[(y)::text] AS z, ARRAY[]::text[] AS e FROM t",
    "SELECT (ARRAY[x, y])::text[] AS z, (ARRAY[ARRAY['a'::text]])::text[] AS w FROM t",
    "no SQL at all",
)
QUERIES = (
    "SELECT n FROM t WHERE v IN ('a', 'ü') AND v NOT IN ('b', v) AND v = ANY (ARRAY['1', '2']::varchar[]::text[])",
    "SELECT n FROM t WHERE c IN ('a', 'b') OR x IN ('a', 'b') OR n IN (1, 2.5) OR m IN ('p', 'q') OR d IN ('a', 'b')",
    "SELECT n FROM t WHERE v LIKE ANY (ARRAY['a%', 'b']) OR coalesce(a, ARRAY['z'::varchar]) @> ARRAY['z']",
    "SELECT v, n AS k, m FROM t UNION ALL SELECT 'fixed', -1, NULL UNION ALL (SELECT 'a', 0, 'p' FROM t LIMIT 1)",
    "SELECT * FROM (SELECT n FROM t EXCEPT SELECT '3' ORDER BY 1) AS s WHERE EXISTS (SELECT 'a'::text FROM t)",
    "SELECT n, d FROM t UNION SELECT 1, 'x' GROUP BY GROUPING SETS (()) HAVING true",
    "SELECT CASE v WHEN 'a' THEN 1 END AS k, (SELECT 'b') AS l, date '2024-01-02' - 1 AS e FROM t FOR UPDATE",
)


@pytest.mark.parametrize("text", MENDED)
def test_what_is_mended(text: str) -> None:
    assert repeatable(text) == MENDED[text]


@pytest.mark.parametrize("text", KEPT)
def test_what_stays(text: str) -> None:
    assert repeatable(text) == text


@pytest.mark.every_server
def test_the_server_prints_again_what_it_printed(database: Database) -> None:
    connection = database.connect(autocommit=True)
    connection.execute("CREATE TYPE mood AS ENUM ('p', 'q'); CREATE DOMAIN short AS varchar(5)")
    connection.execute("CREATE TABLE t (n int, v varchar(9), c char(3), x text, m mood, d short, a text[])")
    plainly_the_same = 0
    for query in QUERIES:
        connection.execute(f"CREATE OR REPLACE VIEW one AS {query}".encode())
        printed = _printed(connection, "one")
        connection.execute(f"CREATE VIEW again AS {repeatable(printed)}".encode())
        connection.execute(f"CREATE VIEW plainly AS {printed}".encode())
        assert _printed(connection, "again") == printed
        plainly_the_same += _printed(connection, "plainly") == printed
        connection.execute("DROP VIEW one, again, plainly")

    # Else none of this would be needed.
    assert plainly_the_same < len(QUERIES)


def _printed(connection: psycopg.Connection[Any], view: str) -> str:
    (text,) = connection.execute("SELECT pg_get_viewdef(%s::regclass)", [view]).fetchone() or ("",)
    assert text
    return str(text)
