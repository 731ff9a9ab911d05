"""The model where it begins with statements and not with a catalog: what is known of what they make."""

from __future__ import annotations

from pglast import split

from crossfade.postgres.catalog import Catalog, QualifiedName, Table
from crossfade.postgres.forecast import Forecast, Schema

NOTHING = Schema.of(Catalog(server_version=140000))


def after(program: str, schema: Schema = NOTHING) -> Schema:
    for statement in split(program):
        forecast, schema = schema.foresee(statement)
        assert forecast.unknown is None, statement
    return schema


def foreseen(program: str, schema: Schema = NOTHING) -> Forecast:
    """Of the last statement."""
    *before, last = split(program)
    return after(";".join(before), schema).foresee(last)[0]


def test_a_table_is_as_it_was_created() -> None:
    made = after("CREATE UNLOGGED TABLE u (a int); CREATE TEMP TABLE t (a int); CREATE TABLE p (a int)")

    kept = {name.name: table.persistence for name, table in made.tables.items()}
    assert kept == {"u": "unlogged", "t": "temporary", "p": "permanent"}
    assert foreseen("ALTER TABLE u SET LOGGED", made.seen_by_others()).rewrites == ("public.u",)


def test_temporary_tables_are_never_seen_by_others() -> None:
    made = after("CREATE TEMP TABLE t (a int); CREATE TABLE p (a int)").seen_by_others()

    assert [name.name for name in made.origins] == ["p"]


def test_a_domain_finds_the_columns_that_files_have_made() -> None:
    made = after("CREATE DOMAIN cents AS int; CREATE TABLE bills (total cents)").seen_by_others()

    assert foreseen("ALTER DOMAIN cents ADD CHECK (value > 0)", made).scans == ("public.bills",)


def test_a_type_that_is_renamed_is_the_columns_too() -> None:
    made = after("CREATE TYPE role AS ENUM ('a'); CREATE TABLE users (r role); ALTER TYPE role RENAME TO old_role")

    column = made.tables[QualifiedName("public", "users")].column("r")
    assert column is not None
    assert column.type_name == QualifiedName("public", "old_role")


def test_a_new_table_is_empty_until_rows_are_put_in() -> None:
    """PostgreSQL reads nothing of the referenced table for a key of an empty one."""
    users = after("CREATE TABLE users (id int PRIMARY KEY)").seen_by_others()
    key = "ALTER TABLE pets ADD FOREIGN KEY (owner) REFERENCES users"

    assert foreseen(f"CREATE TABLE pets (owner int); {key}", users).scans == ()
    assert foreseen(f"CREATE TABLE pets (owner int); INSERT INTO pets VALUES (1); {key}", users).scans == (
        "public.users",
    )
    assert foreseen(f"CREATE TABLE pets AS SELECT 1 AS owner; {key}", users).scans == ("public.users",)
    assert foreseen(key, after("CREATE TABLE pets (owner int)", users).seen_by_others()).scans == (
        "public.pets",
        "public.users",
    )


def test_a_ready_index_is_not_built_even_if_it_is_not_known() -> None:
    name = QualifiedName("public", "users")
    known = Schema.of(Catalog(server_version=140000, tables=(Table(name=name),), all_table_names=(name,)))

    assert foreseen("ALTER TABLE users ADD UNIQUE USING INDEX users_email", known).scans == ()
    assert foreseen("ALTER TABLE users ADD UNIQUE (email)", known).scans == ("public.users",)
