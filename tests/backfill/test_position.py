"""Where the frontier stands among a relation's keys."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from crossfade.backfill.keys import Key
from crossfade.backfill.pace import Pace
from crossfade.backfill.position import Place, cut_fraction, position
from crossfade.backfill.ranges import block_start
from crossfade.backfill.task import Task, find_task
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from ..fixtures.servers import Server
    from .filling import Filling

ROWS = 20_000


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[psycopg.Connection[Any]]:
    with fresh_database(server) as database:
        with connect(database.url) as opened:
            yield opened
        database.close()


def task(frontier: str | None, upper: str | None, type_name: str | None, column: str = "id") -> Task:
    key = Key() if type_name is None else Key(columns=(column,), types=(type_name,))
    return Task(
        id=1,
        relation=QualifiedName("public", "t"),
        key=key,
        frontier=None if frontier is None else (frontier,),
        upper=None if upper is None else (upper,),
        rows_estimated=ROWS,
        rows_done=0,
        pace=Pace(batch_rows=100),
        pass_number=1,
        finished=False,
    )


def make(connection: psycopg.Connection[Any], type_name: str, value: str, column: str = "id") -> None:
    """The table `t` with one key of this type; `value` makes it of the number `g`."""
    text = f"DROP TABLE IF EXISTS t; CREATE TABLE t ({{0}} {type_name} PRIMARY KEY);"
    text += f"INSERT INTO t SELECT {value} FROM generate_series(1, {ROWS}) g; ANALYZE t"
    connection.execute(sql.SQL("SET search_path = public"))
    connection.execute(sql.SQL(text).format(sql.Identifier(column)))
    connection.execute(sql.SQL("SET search_path = pg_catalog"))


def key_of(connection: psycopg.Connection[Any], share: float) -> str:
    """The key below which this share of the rows lies."""
    query = "SELECT t.id::text FROM public.t ORDER BY t.id OFFSET %s LIMIT 1"
    row = connection.execute(query, [min(ROWS - 1, round(share * ROWS))]).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("integer", "g"),
        ("bigint", "g::bigint * g * g"),
        ("numeric", "g / 7.0"),
        ("timestamp with time zone", "'2026-01-01'::timestamptz + g * interval '1 hour'"),
        ("date", "'1900-01-01'::date + g"),
        ("uuid", "md5(g::text)::uuid"),
        ("text", "md5(g::text)"),
        ("character varying", "md5(g::text)"),
    ],
)
@pytest.mark.parametrize("share", [0.03, 0.25, 0.5, 0.97])
def test_the_share_of_the_rows_before_the_frontier_is_known_whatever_the_key(
    connection: psycopg.Connection[Any], type_name: str, value: str, share: float
) -> None:
    make(connection, type_name, value)
    found = cut_fraction(connection, task(key_of(connection, share), key_of(connection, 1), type_name))
    assert found == pytest.approx(share, abs=0.015)


@pytest.mark.every_server
@pytest.mark.parametrize("share", [0.2, 0.8])
@pytest.mark.parametrize("collation", ["C", "und-x-icu"])
def test_keys_are_compared_as_the_column_orders_them(
    connection: psycopg.Connection[Any], collation: str, share: float
) -> None:
    # In "C" capitals come before all small letters; in the other one `a` comes before `B`. One is not the database's.
    if connection.execute("SELECT FROM pg_collation WHERE collname = %s", [collation]).rowcount == 0:
        pytest.skip("this server has no such collation")
    value = "(CASE WHEN g % 2 = 0 THEN 'a' ELSE 'B' END) || md5(g::text)"
    make(connection, f'text COLLATE pg_catalog."{collation}"', value)
    found = cut_fraction(connection, task(key_of(connection, share), key_of(connection, 1), "text"))
    assert found == pytest.approx(share, abs=0.015)


def test_rows_that_came_after_analyze_are_measured_on(connection: psycopg.Connection[Any]) -> None:
    make(connection, "integer", "g")
    assert cut_fraction(connection, task(str(2 * ROWS), str(4 * ROWS), "integer")) == pytest.approx(0.5, abs=0.01)
    assert cut_fraction(connection, task(str(ROWS // 2), str(4 * ROWS), "integer")) == pytest.approx(0.125, abs=0.01)


def test_behind_the_histogram_nothing_is_known_of_keys_without_a_measure(connection: psycopg.Connection[Any]) -> None:
    make(connection, "text", "md5(g::text)")
    assert cut_fraction(connection, task("zz", "zzz", "text")) is None


def test_without_statistics_nothing_is_known(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (id int PRIMARY KEY)")
    assert cut_fraction(connection, task("5", "10", "integer")) is None


def test_with_common_values_nothing_is_known(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (tenant int, id int)")
    connection.execute("INSERT INTO public.t SELECT g % 3, g FROM generate_series(1, 3000) g; ANALYZE public.t")
    assert cut_fraction(connection, task("1", "2", "integer", "tenant")) is None


def test_a_column_may_have_any_name(connection: psycopg.Connection[Any]) -> None:
    make(connection, "integer", "g", 'my "id" %s {}')
    found = cut_fraction(connection, task("5000", "20000", "integer", 'my "id" %s {}'))
    assert found == pytest.approx(0.25, abs=0.01)


def test_before_the_first_batch_nothing_is_cut_and_after_the_last_everything(
    connection: psycopg.Connection[Any],
) -> None:
    assert cut_fraction(connection, task(None, "10", "integer")) == 0.0
    assert cut_fraction(connection, task("10", "10", "integer")) == 1.0


def test_without_a_key_blocks_are_counted(connection: psycopg.Connection[Any]) -> None:
    assert cut_fraction(connection, task(block_start(30)[0], block_start(120)[0], None)) == 0.25


def place(passed: int, measure: float | None = None) -> Place:
    """In a histogram of five bounds, of which the ones around the key are at 10 and 20."""
    return Place(passed=passed, bounds=5, measure=measure, below=10.0, above=None if passed == 5 else 20.0, first=0.0)


@pytest.mark.parametrize(
    ("at", "share"),
    [
        (place(0, 5.0), 0.0),
        (place(1, 10.0), 0.0),
        (place(1, 15.0), 0.125),
        (place(3), 0.625),
        (place(4, 20.0), 1.0),
        (place(5, 10.0), 1.0),
        (place(5, 15.0), 1.5),
        (place(5), None),
        (place(5, float("inf")), None),
        (Place(passed=0, bounds=0, measure=1.0, below=None, above=None, first=None), None),
    ],
)
def test_position_in_a_histogram(at: Place, share: float | None) -> None:
    assert position(at) == share


def test_a_greater_key_never_stands_before_a_smaller_one(connection: psycopg.Connection[Any]) -> None:
    make(connection, "bigint", "g::bigint * g")
    places = [
        cut_fraction(connection, task(str(key), str(ROWS**2), "bigint")) for key in range(1, ROWS**2, ROWS**2 // 200)
    ]
    assert None not in places
    assert all(a <= b for a, b in pairwise(p for p in places if p is not None))


@pytest.mark.parametrize("key", ["int[]", "pair"])
def test_a_key_whose_statistics_cannot_be_taken_apart_says_nothing_and_fails_nobody(
    start: Callable[..., Filling], key: str
) -> None:
    value = "ARRAY[g, g % 3]" if key == "int[]" else "(g, 'b')::pair"
    filling = start(
        f"CREATE TYPE pair AS (a int, b text); CREATE TABLE t (k {key} PRIMARY KEY, old text);"
        f"INSERT INTO t SELECT {value}, 'v' FROM generate_series(1, 500) g; ANALYZE t;"
    )
    found: list[float | None] = []

    def look(_number: int) -> None:
        with filling.control() as control, connect(filling.database.url) as connection:
            task = find_task(connection, filling.job(control), filling.relations()["t"])
            assert task is not None
            found.append(None if task.is_cut else cut_fraction(connection, task))

    filling.fill(batch_rows=50, after_batch=look)
    assert set(found) == {None}
    assert len(found) > 1
