"""By which key a table is walked, and that the walk meets each row once whatever the key's type."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from crossfade.backfill.keys import Key, choose_key, relations_of
from crossfade.backfill.ranges import Ranges
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from ..fixtures.database import Database

NUMBERS = count(1)
PLACE = Key()
QUOTE = "'"


class Walked:
    """The table `t` of one test; SQL finds what is in its schema without its name."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self.connection = connection
        self.table = QualifiedName(schema, "t")
        connection.execute(sql.SQL("CREATE SCHEMA {0}; SET search_path = {0}, public").format(sql.Identifier(schema)))

    def key(self, ddl: str, table: str = "t") -> Key:
        """Run the SQL, and choose the key of a relation then."""
        self.connection.execute(ddl.replace("{schema}", self.table.schema).encode())
        self.connection.execute("SET search_path = pg_catalog")
        (relation,) = (r for r in relations_of(self.connection, self.table) if r.name.name == table)
        return choose_key(self.connection, relation)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query about {table}."""
        return self.connection.execute(query.format(table=self.table).encode()).fetchall()

    def walk(self, key: Key, step: int) -> list[list[tuple[str, ...]]]:
        """The keys of each range, from the first to the last."""
        ranges = Ranges(relation=self.table, key=key, pending="true")
        last = ranges.last_key()
        upper: tuple[str, ...] = tuple(self.connection.execute(last.text, last.parameters).fetchall()[0][0])
        found: list[list[tuple[str, ...]]] = []
        lo: tuple[str, ...] | None = None
        while lo != upper:
            bound = ranges.bound(lo, upper, step)
            row = self.connection.execute(bound.text, bound.parameters).fetchone()
            hi = upper if row is None else tuple(row[0])
            keys = ranges.pending_keys(lo, hi)
            found.append([tuple(r[0]) for r in self.connection.execute(keys.text, keys.parameters)])
            lo = hi
        return found


@pytest.fixture
def walked(shared: Database) -> Iterator[Walked]:
    with connect(shared.url) as connection:
        yield Walked(connection, f"k{next(NUMBERS)}")


CHOSEN = {
    "the primary key": ("CREATE TABLE t (id int PRIMARY KEY, u int NOT NULL UNIQUE)", ["id"], ["integer"]),
    "a composite primary key in its own order": (
        "CREATE TABLE t (a int, b text, PRIMARY KEY (b, a))",
        ["b", "a"],
        ["text", "integer"],
    ),
    "a unique index on columns that are not null": (
        "CREATE TABLE t (a int, b uuid NOT NULL); CREATE UNIQUE INDEX ON t (b)",
        ["b"],
        ["uuid"],
    ),
    "the smaller of two unique indexes": (
        (
            "CREATE TABLE t (a text NOT NULL UNIQUE, b int NOT NULL UNIQUE);"
            " INSERT INTO t SELECT repeat(g::text, 50), g FROM generate_series(1, 900) g"
        ),
        ["b"],
        ["integer"],
    ),
    "only the key columns of a covering index": (
        "CREATE TABLE t (a int NOT NULL, b int); CREATE UNIQUE INDEX ON t (a) INCLUDE (b)",
        ["a"],
        ["integer"],
    ),
    "a descending index": ("CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX ON t (a DESC)", ["a"], ["integer"]),
    "an index that descends in every column": (
        "CREATE TABLE t (a int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX ON t (a DESC, b DESC)",
        ["a", "b"],
        ["integer", "integer"],
    ),
    "the type below two domains": (
        "CREATE DOMAIN d AS numeric(9, 2) CHECK (value > 0); CREATE DOMAIN e AS d; CREATE TABLE t (a e PRIMARY KEY)",
        ["a"],
        ["numeric"],
    ),
    "an enum with its schema": (
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (a mood PRIMARY KEY)",
        ["a"],
        ["{schema}.mood"],
    ),
    "a type whose name without a length means another": (
        "CREATE TABLE t (a char(3), b bit(4), PRIMARY KEY (a, b))",
        ["a", "b"],
        ["bpchar", '"bit"'],
    ),
    "a key whose names need quotes": ('CREATE TABLE t ("Odd ""Id" int PRIMARY KEY)', ['Odd "Id'], ["integer"]),
    "the primary key of a collation of its own": (
        'CREATE TABLE t (a text COLLATE "C" PRIMARY KEY)',
        ["a"],
        ["text"],
    ),
}

NOT_TAKEN = {
    "no index at all": "CREATE TABLE t (a int)",
    "an index that is not unique": "CREATE TABLE t (a int NOT NULL); CREATE INDEX ON t (a)",
    "a unique index that takes nulls": "CREATE TABLE t (a int UNIQUE)",
    "a composite one in which one column takes nulls": "CREATE TABLE t (a int NOT NULL, b int, UNIQUE (a, b))",
    "a partial index": "CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX ON t (a) WHERE a > 0",
    "an index over an expression": "CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX ON t ((a + 1))",
    "a column and an expression": "CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX ON t (a, (a + 1))",
    "a deferrable primary key": "CREATE TABLE t (a int PRIMARY KEY DEFERRABLE)",
    "mixed directions": ("CREATE TABLE t (a int NOT NULL, b int NOT NULL); CREATE UNIQUE INDEX ON t (a, b DESC)"),
    "another operator class": ("CREATE TABLE t (a text NOT NULL); CREATE UNIQUE INDEX ON t (a text_pattern_ops)"),
    "another collation than the column's": (
        'CREATE TABLE t (a text NOT NULL); CREATE UNIQUE INDEX ON t (a COLLATE "C")'
    ),
    "an index that failed to build": (
        "CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX u ON t (a);"
        " UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'u'::regclass"
    ),
    "a default operator class of somebody's own": (
        "CREATE TYPE pair AS (x int, y int);"
        " CREATE FUNCTION cmp(pair, pair) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT btrecordcmp($1, $2)';"
        " CREATE OPERATOR CLASS own DEFAULT FOR TYPE pair USING btree AS OPERATOR 1 < (record, record),"
        " OPERATOR 2 <= (record, record), OPERATOR 3 = (record, record), OPERATOR 4 >= (record, record),"
        " OPERATOR 5 > (record, record), FUNCTION 1 cmp(pair, pair);"
        " CREATE TABLE t (a pair NOT NULL); CREATE UNIQUE INDEX ON t (a own)"
    ),
}


@pytest.mark.every_server
@pytest.mark.parametrize("name", CHOSEN)
def test_taken_is(walked: Walked, name: str) -> None:
    ddl, columns, types = CHOSEN[name]
    types = [t.replace("{schema}", walked.table.schema) for t in types]
    assert walked.key(ddl) == Key(columns=tuple(columns), types=tuple(types))


@pytest.mark.alike
@pytest.mark.parametrize("name", NOT_TAKEN)
def test_rows_are_walked_by_place_where_there_is_only(walked: Walked, name: str) -> None:
    key = walked.key(NOT_TAKEN[name])
    assert key == PLACE
    assert key.is_place


def test_a_key_that_fits_is_taken_beside_one_that_does_not(walked: Walked) -> None:
    ddl = "CREATE TABLE t (a int PRIMARY KEY DEFERRABLE, b int UNIQUE, c int NOT NULL); CREATE UNIQUE INDEX ON t (c)"
    assert walked.key(ddl).columns == ("c",)


def test_a_column_whose_not_null_is_not_yet_valid_may_hold_nulls(walked: Walked) -> None:
    if walked.connection.info.server_version < 180000:
        pytest.skip("NOT NULL constraints that are not valid are new in PostgreSQL 18")
    ddl = "CREATE TABLE t (a int UNIQUE, b int); ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID"
    assert walked.key(ddl) == PLACE
    assert walked.key("ALTER TABLE {schema}.t VALIDATE CONSTRAINT n").columns == ("a",)


def test_each_partition_has_a_key_of_its_own(walked: Walked) -> None:
    ddl = (
        "CREATE TABLE t (a int, b int NOT NULL) PARTITION BY RANGE (a);"
        " CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (9); CREATE UNIQUE INDEX ON low (b);"
        " CREATE TABLE high PARTITION OF t FOR VALUES FROM (9) TO (99);"
    )
    assert walked.key(ddl, "low").columns == ("b",)
    assert walked.key("", "high") == PLACE


def test_a_child_does_not_inherit_its_parents_key(walked: Walked) -> None:
    ddl = "CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE child () INHERITS (t)"
    assert walked.key(ddl, "child") == PLACE
    assert walked.key("").columns == ("a",)


TYPES: dict[str, list[str]] = {
    "int": ["-2147483648", "-1", "0", "7", "2147483647"],
    "numeric": ["-Infinity", "-1e30", "0.1", "0.10000000000000000000000000000000000001", "1e30", "NaN"],
    "float8": ["-Infinity", "-1e-300", "0", "0.1", "0.30000000000000004", "Infinity", "NaN"],
    "float4": ["0.1", "0.3", "16777216"],
    "bool": ["f", "t"],
    "text": ["", " ", "a", "A", "ä", "it's", "{x,y}", '"q"', "back\\slash", "null", "100%", "z"],
    'text COLLATE "C"': ["", "B", "Z", "a", "b", "ä", "€"],
    'text COLLATE "ucs_basic"': ["A", "a", "b", "ä", "ö"],
    "varchar(9)": ["a", "B", "c"],
    "char(3)": ["a", "ab", "abc"],
    '"char"': ["A", "b"],
    "name": ["a", "B", "c"],
    "bit(4)": ["0000", "0101", "1111"],
    "bytea": ["\\x", "\\x00", "\\xff00"],
    "uuid": ["00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "date": ["4713-01-01 BC", "1999-12-31", "infinity"],
    "timestamptz": [
        "-infinity",
        "0044-03-15 12:00 BC",
        "2024-03-31 02:30:00.123456+02",
        "2024-03-31 03:30+02",
        "infinity",
    ],
    "interval": ["-1 day", "1 mon -1 days +00:00:01", "1 year"],
    "inet": ["10.0.0.1", "10.0.0.0/8", "::1"],
    "int[]": ["{}", "{1}", "{1,2}", "{2}"],
    "jsonb": ["null", '"a"', "1", '{"a": 1}'],
    "int4range": ["empty", "[1,3)", "[2,)"],
    "mood": ["sad", "ok", "happy"],
    "dated": ["2020-01-01", "2021-01-01"],
    "pair": ['(1,"a b")', "(1,)", "(2,x)"],
}
MADE = (
    "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN dated AS date CHECK (value > '2000-01-01');"
    " CREATE TYPE pair AS (x int, y text);"
)


@pytest.mark.parametrize("kind", TYPES)
def test_a_walk_meets_each_row_once_and_in_order(walked: Walked, kind: str) -> None:
    values = " ".join(f"INSERT INTO t VALUES ('{value.replace(QUOTE, 2 * QUOTE)}');" for value in TYPES[kind])
    key = walked.key(f"{MADE} CREATE TABLE t (a {kind} PRIMARY KEY); {values}")
    assert key.columns == ("a",)
    ordered = [(a,) for (a,) in walked.rows("SELECT format('%s', a) FROM {table} ORDER BY a")]
    assert len(ordered) == len(TYPES[kind])
    for step in (1, 2):
        ranges = walked.walk(key, step)
        assert [k for keys in ranges for k in keys] == ordered
        assert all(len(keys) == step for keys in ranges[:-1])


@pytest.mark.parametrize("unique", ["PRIMARY KEY (a, b)", "UNIQUE (b, a)"])
def test_a_walk_by_two_columns_meets_each_row_once(walked: Walked, unique: str) -> None:
    key = walked.key(
        f"CREATE TABLE t (a int NOT NULL, b text NOT NULL, {unique});"
        " INSERT INTO t SELECT a, b FROM generate_series(1, 4) a, unnest('{x,y,Z}'::text[]) b"
    )
    assert sorted(key.columns) == ["a", "b"]
    first, second = key.columns
    ordered = walked.rows(f"SELECT {first}::text, {second}::text FROM {{table}} ORDER BY {first}, {second}")
    for step in (1, 3, 4, 100):
        assert [k for keys in walked.walk(key, step) for k in keys] == ordered


def test_a_walk_by_a_descending_index_goes_upwards_all_the_same(walked: Walked) -> None:
    key = walked.key(
        "CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX ON t (a DESC); INSERT INTO t SELECT generate_series(1, 5)"
    )
    assert walked.walk(key, 2) == [[("1",), ("2",)], [("3",), ("4",)], [("5",)]]
