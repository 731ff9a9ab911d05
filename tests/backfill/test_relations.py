"""Which relations hold a table's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.backfill.keys import relations_of
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.database import Database

FAMILY = """
CREATE SCHEMA {schema};
CREATE SCHEMA {schema}_archive;
SET search_path = {schema};
CREATE TABLE plain (a int);
CREATE TABLE whole (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE low PARTITION OF whole FOR VALUES FROM (0) TO (10);
CREATE TABLE middle PARTITION OF whole FOR VALUES FROM (10) TO (20) PARTITION BY LIST (b);
CREATE TABLE middle_1 PARTITION OF middle FOR VALUES IN (1);
CREATE TABLE "Middle 2" PARTITION OF middle FOR VALUES IN (2);
CREATE TABLE {schema}_archive.low PARTITION OF whole FOR VALUES FROM (20) TO (30);
CREATE TABLE empty (a int) PARTITION BY RANGE (a);
CREATE TABLE parent (a int);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE stepparent (a int);
CREATE TABLE grandchild () INHERITS (child, stepparent);
CREATE VIEW seen AS SELECT * FROM plain;
"""


@pytest.fixture(scope="module")
def family(shared: Database) -> Iterator[psycopg.Connection[Any]]:
    shared.execute(FAMILY.format(schema="f"))
    with connect(shared.url) as connection:
        yield connection


def names(connection: psycopg.Connection[Any], table: str) -> list[str]:
    return [str(r.name) for r in relations_of(connection, QualifiedName("f", table))]


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("plain", ["f.plain"]),
        ("whole", ['f."Middle 2"', "f.low", "f.middle_1", "f_archive.low"]),
        ("middle", ['f."Middle 2"', "f.middle_1"]),
        ("low", ["f.low"]),
        ("empty", []),
        ("parent", ["f.child", "f.grandchild", "f.parent"]),
        ("stepparent", ["f.grandchild", "f.stepparent"]),
    ],
)
def test_rows_are_in_leaves_of_partitions_and_in_each_member_of_an_inheritance_tree(
    family: psycopg.Connection[Any], table: str, found: list[str]
) -> None:
    assert names(family, table) == found


def test_a_detached_partition_holds_no_rows_of_the_table(shared: Database) -> None:
    shared.execute(FAMILY.format(schema="g"))
    with connect(shared.url) as connection:
        connection.execute("ALTER TABLE g.whole DETACH PARTITION g.middle")
        left = relations_of(connection, QualifiedName("g", "whole"))
        assert [str(r.name) for r in left] == ["g.low", "g_archive.low"]


def test_a_table_that_is_not_there_is_an_error(family: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        names(family, "nothing")
