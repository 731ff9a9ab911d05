"""What is dropped if it is there, and made: where CREATE OR REPLACE does for both, and where it would not."""

from __future__ import annotations

from typing import Any

import pytest

from crossfade.migrations.typed import Enums
from crossfade.postgres.catalog import Column, QualifiedName, Table

from .reading import after, changes

MADE = "CREATE TABLE users (id int, name varchar(20), age int); CREATE VIEW unread AS SELECT id FROM users;"
SCHEMA, _ = after(MADE)
COLUMNS = (Column(name="id", number=1, type="integer"), Column(name="name", number=2, type="character varying(20)"))
READ = Table(name=QualifiedName("public", "v"), kind="view", columns=COLUMNS)
BEFORE = SCHEMA.put(READ), Enums()
TYPES = ("text", "int")
SQL = "LANGUAGE sql AS 'SELECT 1'"


def phases(sql: str) -> list[Any]:
    """Of each change the keys of its phases."""
    return [[key for key in entry["sql"] if key in {"expand", "contract"}] for entry in changes(sql, BEFORE)]


@pytest.mark.parametrize(
    "sql",
    [
        f"DROP FUNCTION IF EXISTS f(int, text[], OUT int); CREATE FUNCTION f(a integer, b text[], OUT c int) {SQL}",
        f"DROP FUNCTION IF EXISTS f(shop.size); CREATE FUNCTION f(shop.size) RETURNS int {SQL}",
        f"DROP PROCEDURE IF EXISTS f(); CREATE PROCEDURE f() {SQL}",
        "DROP VIEW IF EXISTS nowhere; CREATE VIEW nowhere AS SELECT 1 AS one",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT u.id, name, age + 1 AS next FROM users u",
        "DROP VIEW IF EXISTS v; CREATE VIEW v (id, name) AS SELECT age, name FROM users",
        "DROP VIEW IF EXISTS v; CREATE VIEW public.v AS SELECT * FROM users",
    ],
)
def test_what_postgresql_replaces_is_replaced_in_expand(sql: str) -> None:
    assert phases(sql) == [["expand"]]


@pytest.mark.parametrize(
    "sql",
    [
        f"DROP FUNCTION IF EXISTS f(int); CREATE FUNCTION f(a text) RETURNS int {SQL}",
        f"DROP FUNCTION IF EXISTS f(int); CREATE FUNCTION f(a int, b int DEFAULT 0) RETURNS int {SQL}",
        f"DROP FUNCTION IF EXISTS f; CREATE FUNCTION f(a int) RETURNS int {SQL}",
        f"DROP FUNCTION IF EXISTS f(); CREATE PROCEDURE f() {SQL}",
        "DROP VIEW IF EXISTS unread; CREATE VIEW unread AS SELECT id FROM users",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id FROM users",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT name, id FROM users",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id, name::text AS name FROM users",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id, name FROM (SELECT * FROM users) u",
    ],
)
def test_what_it_would_refuse_or_leave_beside_goes_and_comes_in_contract(sql: str) -> None:
    assert phases(sql) == [["contract"]]


def test_functions_of_one_name_are_told_apart_by_what_they_take() -> None:
    drop, text, int_ = "DROP FUNCTION f(int)", *(f"CREATE FUNCTION f({type_}) RETURNS int {SQL}" for type_ in TYPES)
    made, anew = changes(f"{drop};{text};{int_}", BEFORE)
    assert made["sql"]["expand"][0]["run"] == text
    assert anew["sql"]["contract"] == (drop, int_)


def test_things_of_two_schemas_are_two() -> None:
    assert phases("DROP VIEW IF EXISTS a.v; CREATE VIEW b.v AS SELECT 1 AS one") == [["contract"], ["expand"]]


def test_a_view_without_a_column_comes_before_that_goes() -> None:
    gone, *_ = changes("DROP VIEW v; ALTER TABLE users DROP name; CREATE VIEW v AS SELECT id FROM users", BEFORE)
    assert gone["sql"]["contract"] == ("DROP VIEW v", "CREATE VIEW v AS SELECT id FROM users")
    apart = changes("DROP VIEW v; ALTER TABLE users DROP name; CREATE VIEW v AS SELECT * FROM users", BEFORE)
    assert [next(iter(entry)) for entry in apart] == ["sql", "drop_column", "sql"]
