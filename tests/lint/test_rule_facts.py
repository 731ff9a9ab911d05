"""What rules say that the server refuses or does, shown on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import errors

from crossfade.lint.rules.extension_rights import TRUSTED

from .one_rule import SHOP, Files, said
from .test_rules_on_lost_data import ADDED, USED

if TYPE_CHECKING:
    from tests.fixtures.database import Database

pytestmark = pytest.mark.every_server


def test_a_new_enum_value_is_refused_in_its_own_transaction(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(SHOP.encode())
        connection.commit()
        for sql in USED:
            connection.execute("INSERT INTO users (email) VALUES ('a')")
            connection.execute(ADDED.encode())
            with pytest.raises(errors.UnsafeNewEnumValueUsage):
                connection.execute(sql.encode())
            connection.rollback()


def test_a_type_of_the_same_transaction_as_the_rule_has_it(database: Database) -> None:
    sql = "CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood ADD VALUE 'b'; CREATE TABLE t (m mood DEFAULT 'b')"
    with database.connect() as connection:
        try:
            connection.execute(sql.encode())
            refused = False
        except errors.UnsafeNewEnumValueUsage:
            refused = True
        version = connection.info.server_version

    assert refused == bool(said("enum-value-used-at-once", Files(up=(sql,), version=version)))


@pytest.mark.parametrize(
    "columns", ["name", "name, id", "id, name, age", "id", "id, name AS n", "id, name, age AS a, role"]
)
def test_a_view_is_replaced_where_the_rule_says_nothing(database: Database, columns: str) -> None:
    sql = f"CREATE OR REPLACE VIEW active AS SELECT {columns} FROM users"
    with database.connect() as connection:
        connection.execute(SHOP.encode())
        try:
            connection.execute(sql.encode())
            refused = False
        except errors.InvalidTableDefinition:
            refused = True

    assert refused == bool(said("view-replaced", Files(up=(SHOP, sql))))


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a int, a int)",
        "ALTER TABLE users ADD a int, ADD a text",
        "INSERT INTO users (id, id) VALUES (1, 1)",
        "UPDATE users SET age = 1, age = 2",
    ],
)
def test_a_column_twice_is_refused(database: Database, sql: str) -> None:
    with database.connect() as connection:
        connection.execute(SHOP.encode())
        with pytest.raises((errors.DuplicateColumn, errors.SyntaxError)):
            connection.execute(sql.encode())


def test_types_become_others_by_themselves_where_the_rule_says_nothing(database: Database) -> None:
    types = "boolean int2 bigint numeric money real text varchar(9) char(3) name bytea uuid json jsonb xml date time"
    names = [
        *types.split(),
        "timestamp",
        "timestamptz",
        "timetz",
        "interval",
        "inet",
        "cidr",
        "bit(3)",
        "text[]",
        "int[]",
    ]
    expected, found = {}, {}
    with database.connect() as connection:
        for was in names:
            connection.execute(f"CREATE TABLE t (a {was})".encode())
            for now in names:
                sql = f"ALTER TABLE t ALTER a TYPE {now}"
                found[was, now] = bool(said("type-change-refused", Files(up=(f"CREATE TABLE t (a {was})", sql))))
                try:
                    with connection.transaction(force_rollback=True):
                        connection.execute(sql.encode())
                    expected[was, now] = False
                except errors.DatatypeMismatch:
                    expected[was, now] = True
            connection.execute("DROP TABLE t")

    assert found == expected


@pytest.mark.parametrize(("more", "refused"), [("", True), (", ALTER a DROP DEFAULT", False)])
def test_a_default_is_cast_without_using(database: Database, more: str, refused: bool) -> None:
    made = "CREATE TABLE t (a text DEFAULT 'x')"
    sql = f"ALTER TABLE t ALTER a TYPE integer USING a::integer{more}"
    with database.connect() as connection:
        connection.execute(made.encode())
        try:
            connection.execute(sql.encode())
            failed = False
        except errors.DatatypeMismatch:
            failed = True

    assert failed == refused == bool(said("type-change-refused", Files(up=(made, sql))))


def test_the_extensions_that_anybody_may_make(database: Database) -> None:
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT name, bool_or(trusted) FROM pg_available_extension_versions GROUP BY name"
        ).fetchall()

    assert {name for name, trusted in rows if trusted} <= TRUSTED
    assert {name for name, trusted in rows if not trusted} & TRUSTED == set()


def test_a_view_of_the_old_name_takes_what_old_versions_write(database: Database) -> None:
    ((_, _, found),) = said("rename-table", Files(up=(SHOP, "ALTER TABLE users RENAME TO people")))
    together = (found.instead or "").partition("-- in a later migration")[0]
    with database.connect() as connection:
        connection.execute(SHOP.encode())
        connection.execute(together.encode())
        connection.execute("INSERT INTO users (email) VALUES ('a')")
        connection.execute("UPDATE users SET age = 7")

        assert connection.execute("SELECT email, age, role::text FROM people").fetchall() == [("a", 7, "USER")]


def test_json_has_no_equality(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(SHOP.encode())
        connection.execute("SELECT DISTINCT * FROM posts")
        connection.execute("ALTER TABLE posts ADD data json")
        with pytest.raises(errors.UndefinedFunction):
            connection.execute("SELECT DISTINCT * FROM posts")


def test_two_names_that_are_cut_off_to_one_are_one(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(SHOP.encode())
        for last in "ab":
            connection.execute(f"CREATE INDEX IF NOT EXISTS {'i' * 63}{last} ON users (age)".encode())

        rows = connection.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'iii%'").fetchall()

    assert rows == [("i" * 63,)]


def test_a_begin_without_its_commit(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE t (a int)")
        connection.close()

    assert database.execute("SELECT to_regclass('t')") == [(None,)]
