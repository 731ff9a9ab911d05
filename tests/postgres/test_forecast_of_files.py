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


def test_temporary_tables_hide_others_in_their_own_session_alone() -> None:
    made = after("CREATE TEMP TABLE p (a int)", after("CREATE TABLE p (a int)").seen_by_others())
    index = "CREATE INDEX i ON p (a)"

    assert foreseen(index, made).scans == ()
    assert foreseen(index, made.seen_by_others()).scans == ("public.p",)


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


SOURCE = """
CREATE TABLE users (id int PRIMARY KEY, code text, age int, CONSTRAINT known CHECK (age IS NOT NULL) NOT VALID,
  UNIQUE (code, age), FOREIGN KEY (age) REFERENCES users);
CREATE INDEX by_age ON users (age);
CREATE TABLE copies (LIKE users INCLUDING ALL)
"""
NEEDS_NO_READING = "ALTER TABLE copies ALTER age SET NOT NULL"


def test_a_copy_has_the_checks_and_indexes_that_its_like_includes() -> None:
    made = after(SOURCE)
    copies = made.tables[QualifiedName("public", "copies")]

    assert copies.constraint_names == {"known", "copies_pkey", "copies_code_age_key"}
    assert {i.name.name for i in copies.indexes} == {"copies_pkey", "copies_code_age_key", "copies_age_idx"}
    assert foreseen(NEEDS_NO_READING, made.seen_by_others()).scans == ()


def test_a_copy_has_no_more_than_that() -> None:
    of_checks = after(SOURCE.replace("ALL", "CONSTRAINTS"))
    of_neither = after(SOURCE.replace("ALL", "ALL EXCLUDING INDEXES EXCLUDING CONSTRAINTS"))
    parts = [table.tables[QualifiedName("public", "copies")] for table in (of_checks, of_neither)]

    assert [table.constraint_names for table in parts] == [{"known"}, set()]
    assert [table.indexes for table in parts] == [(), ()]
    assert foreseen(NEEDS_NO_READING, of_neither.seen_by_others()).scans == ("public.copies",)
