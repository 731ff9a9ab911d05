"""The SQL of a range: its one form, its parameters, and names and values of every kind on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from crossfade.backfill.keys import Key
from crossfade.backfill.ranges import Query, Ranges, block_of, block_start
from crossfade.backfill.task import send_write
from crossfade.operations.step import Update
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from ..fixtures.database import Database

LO, HI = ("5", "e"), ("9", "i")
COMPOSITE = Ranges(
    relation=QualifiedName("app", "t"),
    key=Key(columns=("a", "b"), types=("integer", "text")),
    pending='"new" IS NULL',
    write=Update(assignment='"new" = "old"'),
)
PLACE = Ranges(relation=QualifiedName("app", "t"), key=Key(), pending="n IS NULL", write=Update(assignment="n = o"))


def text(query: Query) -> str:
    return query.text.as_string()


def test_a_range_is_one_row_comparison_at_each_end() -> None:
    query = COMPOSITE.write_range(LO, HI)
    assert text(query) == (
        'UPDATE ONLY "app"."t" SET "new" = "old" WHERE ("a", "b") > (%s::integer, %s::text) '
        'AND ("a", "b") <= (%s::integer, %s::text) AND ("new" IS NULL)'
    )
    assert query.parameters == (*LO, *HI)


def test_the_first_range_has_no_lower_end() -> None:
    query = COMPOSITE.write_range(None, HI)
    assert text(query) == (
        'UPDATE ONLY "app"."t" SET "new" = "old" WHERE ("a", "b") <= (%s::integer, %s::text) AND ("new" IS NULL)'
    )
    assert query.parameters == HI


def test_without_a_key_the_same_form_is_used_on_the_place() -> None:
    query = PLACE.write_range(block_start(2), block_start(4))
    assert text(query) == (
        'WITH written AS (UPDATE ONLY "app"."t" SET n = o WHERE (ctid) > (%s::pg_catalog.tid) '
        "AND (ctid) <= (%s::pg_catalog.tid) AND (n IS NULL) RETURNING n IS NULL AS again)"
        " SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE again) FROM written"
    )
    assert query.parameters == ("(2,0)", "(4,0)")


def test_an_or_in_the_predicate_stays_within_the_range() -> None:
    ranges = Ranges(relation=COMPOSITE.relation, key=COMPOSITE.key, pending="x OR y", write=Update(assignment="x = y"))
    for query in (ranges.write_range(None, HI), ranges.pending_keys(None, HI), ranges.count_pending(None, HI)):
        assert "AND (x OR y)" in text(query)


def test_the_keys_of_a_range_can_be_shown_by_another_key_and_are_ordered_by_their_own() -> None:
    query = PLACE.pending_keys(None, block_start(1), limit=3, shown=COMPOSITE.key)
    assert text(query).startswith("SELECT ARRAY[pg_catalog.format('%%s', \"a\"), pg_catalog.format('%%s', \"b\")]")
    assert text(query).endswith("ORDER BY ctid LIMIT %s")
    assert query.parameters == ("(1,0)", 3)


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(schema=names, table=names, columns=st.lists(names, min_size=1, max_size=3), expression=names)
def test_every_query_has_as_many_places_as_parameters_whatever_the_names(
    schema: str, table: str, columns: list[str], expression: str
) -> None:
    ranges = Ranges(
        relation=QualifiedName(schema, table),
        key=Key(columns=tuple(columns), types=("text",) * len(columns)),
        pending=expression,
        write=Update(assignment=expression),
    )
    for query in queries(ranges, ("1",) * len(columns), ("2",) * len(columns)):
        places = text(query).replace("%%", "").count("%")
        assert places == len(query.parameters)
        assert text(query).replace("%%", "").count("%s") == places


def queries(ranges: Ranges, lo: tuple[str, ...], hi: tuple[str, ...]) -> list[Query]:
    """Every query that there is."""
    return [
        ranges.last_key(),
        ranges.bound(lo, hi, 1),
        ranges.bound(None, hi, 2),
        ranges.write_range(lo, hi),
        ranges.pending_keys(lo, hi),
        ranges.pending_keys(lo, hi, limit=5),
        ranges.count(lo, hi),
        ranges.count_pending(lo, hi),
        ranges.count_all(),
        ranges.write_row(hi),
    ]


@given(block=st.integers(0, 2**32 - 1))
def test_a_block_is_found_again_in_its_first_place(block: int) -> None:
    assert block_of(block_start(block)) == block


def test_before_the_first_batch_no_block_is_done() -> None:
    assert block_of(None) == 0
    assert block_of(("(7,31)",)) == 7


ODD = ("100%s", "a%(b)s %", 'say "no"', "{}", "back\\slash", "naïve ünïcode", "select", "a'b", "new\nline")


@pytest.mark.parametrize("odd", ODD)
def test_every_query_runs_on_a_table_with_odd_names(shared: Database, odd: str) -> None:
    schema, table, key, old, new = (sql.Identifier(f"{odd}{n}") for n in range(5))
    ranges = Ranges(
        relation=QualifiedName(f"{odd}0", f"{odd}1"),
        key=Key(columns=(f"{odd}2",), types=("integer",)),
        pending=sql.SQL("{} IS DISTINCT FROM {} || '%s %%'").format(new, old).as_string(),
        write=Update(assignment=sql.SQL("{} = {} || '%s %%'").format(new, old).as_string()),
    )
    with connect(shared.url) as connection:

        def rows(query: Query) -> list[tuple[Any, ...]]:
            return connection.execute(query.text, query.parameters).fetchall()

        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        connection.execute(
            sql.SQL("CREATE TABLE {}.{} ({} int PRIMARY KEY, {} text, {} text)").format(schema, table, key, old, new)
        )
        connection.execute(
            sql.SQL("INSERT INTO {}.{} SELECT g, 'v' FROM generate_series(1, 9) g").format(schema, table)
        )
        assert rows(ranges.last_key()) == [(["9"],)]
        assert rows(ranges.bound(("2",), ("9",), 3)) == [(["5"],)]
        assert rows(ranges.bound(None, ("9",), 10)) == []
        assert rows(ranges.count(("2",), ("9",))) == rows(ranges.count_pending(("2",), ("9",))) == [(7,)]
        assert send_write(connection, ranges.write_range(("2",), ("5",))) == (3, 0)
        assert send_write(connection, ranges.write_row(("9",))) == (1, 0)
        assert rows(ranges.pending_keys(None, ("9",))) == [([n],) for n in ("1", "2", "6", "7", "8")]
        assert rows(ranges.pending_keys(None, ("9",), limit=2)) == [(["1"],), (["2"],)]
        assert rows(ranges.count_all()) == [(9,)]
        found = connection.execute(
            sql.SQL("SELECT DISTINCT {} FROM {}.{} WHERE {} IS NOT NULL").format(new, schema, table, new)
        )
        assert found.fetchall() == [("v%s %%",)]
