"""`copy_rows`: what it compiles to, and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from crossfade.operations.rows.data_statement import statement
from crossfade.operations.step import Copy, DataChange
from crossfade.workflow.engine import Engine

from .data_cases import Case, cautions, compiled, keyed, only, plan, refusals

if TYPE_CHECKING:
    from ..fixtures.database import Database

BOTH = (
    "CREATE TABLE users (id int PRIMARY KEY, email text, active boolean);"
    "CREATE TABLE people (id int PRIMARY KEY, email text, address text)"
)
COPY = "copy_rows: {from: users, into: people, columns: [id, email]}"
MAPPED = "copy_rows: {from: users, into: people, columns: {id: id, address: lower(email)}, where: active}"
TOUCH = "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"


def with_conflict(how: str) -> str:
    return COPY.replace("]}", f"], on_conflict: {how}}}")


USERS, PEOPLE = keyed("public", "users", "id", "email"), keyed("public", "people", "id", "email", "address")


def test_the_columns_and_what_they_get() -> None:
    users = keyed("public", "users", "id", "email", "active")
    assert only(compiled(MAPPED, users, PEOPLE)) == DataChange(
        id="1.copy_rows/rows",
        schema="public",
        table="users",
        pending="(active) IS TRUE",
        write=Copy(into='"public"."people"', columns=('"id"', '"address"'), values=("id", "lower(email)")),
    )


@pytest.mark.parametrize(
    ("how", "clause"),
    [
        ("error", ""),
        ("skip", "ON CONFLICT DO NOTHING"),
        ("update", 'ON CONFLICT ("id") DO UPDATE SET "email" = excluded."email"'),
    ],
)
def test_what_becomes_of_a_row_that_is_there(how: str, clause: str) -> None:
    write = only(compiled(with_conflict(how), USERS, PEOPLE)).write
    assert isinstance(write, Copy)
    assert write.on_conflict == clause


def test_odd_names_are_quoted() -> None:
    users, people = keyed("A b", "50 %", "id", 'a"b', "%s"), keyed("Ü", "user", 'a"b', "id", "%s", key=2)
    entry = """copy_rows: {from: '"A b"."50 %"', into: Ü.user, columns: [id, 'a"b', "%s"], on_conflict: update}"""
    found = only(compiled(entry, users, people))
    assert found.write == Copy(
        into='"Ü"."user"',
        columns=('"id"', '"a""b"', '"%s"'),
        values=("id", '"a""b"', '"%s"'),
        on_conflict='ON CONFLICT ("a""b", "id") DO UPDATE SET "%s" = excluded."%s"',
    )


@pytest.mark.every_server
def test_the_statement_does_what_the_plan_says(database: Database) -> None:
    """New rows come, old ones get the new values, and what is not meant stays away."""
    database.execute(
        """CREATE TABLE users (id int PRIMARY KEY, "a %s ""b" text, active boolean);
        CREATE TABLE people ("Key" int PRIMARY KEY, "%(x)s {}" text, note text DEFAULT 'n');
        INSERT INTO users VALUES (1, 'A', true), (2, 'B', NULL), (3, 'C', true), (4, 'D', false);
        INSERT INTO people VALUES (3, 'old', 'kept')"""
    )
    entry = """copy_rows:
      from: users
      into: people
      columns: {"Key": id, "%(x)s {}": "lower(\\"a %s \\"\\"b\\") || '%'"}
      where: active
      on_conflict: update"""
    with Engine(database.url) as engine:
        assert engine.check(plan(entry)).refusals == ()
        [change] = engine.explain(plan(entry)).program.data
    for _ in range(2):
        database.execute(sql.SQL(statement(change)))
        assert database.execute('SELECT * FROM people ORDER BY "Key"') == [(1, "a%", "n"), (3, "c%", "kept")]


CASES = {
    "no such table": Case(
        setup=BOTH,
        entry="copy_rows: {from: usrs, into: people, columns: [id]}",
        code="no_such_table",
        names="usrs",
        says="Did you mean users?",
    ),
    "no such target": Case(
        setup=BOTH,
        entry="copy_rows: {from: users, into: poeple, columns: [id]}",
        code="no_such_table",
        names="poeple",
        says="Did you mean people?",
    ),
    "a column of the target that is not there": Case(
        setup=BOTH,
        entry="copy_rows: {from: users, into: people, columns: {id: id, adress: email}}",
        code="no_such_column",
        names="public.people.adress",
        says="mean address?",
    ),
    "a column of the source that is not there": Case(
        setup=BOTH,
        entry="copy_rows: {from: users, into: people, columns: [id, address]}",
        code="no_such_column",
        names="public.users.address",
        says="no column address",
    ),
    "a generated column": Case(
        setup=f"{BOTH}; ALTER TABLE people ADD up text GENERATED ALWAYS AS (upper(email)) STORED",
        entry="copy_rows: {from: users, into: people, columns: {id: id, up: email}}",
        code="generated_column",
        names="public.people.up",
        says="Leave it out",
    ),
    "an identity": Case(
        setup="CREATE TABLE users (id int PRIMARY KEY);"
        "CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
        entry="copy_rows: {from: users, into: people, columns: [id]}",
        code="identity_column",
        names="public.people.id",
        says="ALTER TABLE public.people ALTER COLUMN id",
    ),
    "a source without a key": Case(
        setup="CREATE TABLE users (id int UNIQUE, email text); CREATE TABLE people (id int, email text)",
        entry=COPY,
        code="no_key",
        names="public.users",
        says="copied twice, or never",
    ),
    "the table itself by another spelling": Case(
        setup=BOTH,
        entry="copy_rows: {from: users, into: public.users, columns: [id, email]}",
        code="same_table",
        names="public.users",
        says="into itself",
    ),
    "a partition of the table": Case(
        setup="CREATE TABLE users (id int PRIMARY KEY, email text) PARTITION BY LIST (id);"
        "CREATE TABLE people PARTITION OF users DEFAULT",
        entry=COPY,
        code="same_table",
        names="public.people",
        says="into itself",
    ),
    "the parent of the table": Case(
        setup="CREATE TABLE people (id int PRIMARY KEY, email text) PARTITION BY LIST (id);"
        "CREATE TABLE users PARTITION OF people DEFAULT",
        entry=COPY,
        code="same_table",
        names="public.people",
        says="into itself",
    ),
    "to update without a primary key": Case(
        setup="CREATE TABLE users (id int PRIMARY KEY, email text); CREATE TABLE people (id int UNIQUE, email text)",
        entry=with_conflict("update"),
        code="conflict_key",
        names="public.people",
        says="no primary key",
    ),
    "to update by a deferrable key": Case(
        setup="CREATE TABLE users (id int PRIMARY KEY, email text);"
        "CREATE TABLE people (id int PRIMARY KEY DEFERRABLE, email text)",
        entry=with_conflict("update"),
        code="conflict_key",
        names="public.people",
        says="deferrable",
    ),
    "to update without the whole key": Case(
        setup="CREATE TABLE users (id int PRIMARY KEY, email text);"
        'CREATE TABLE people (id int, email text, "No" int DEFAULT 1, PRIMARY KEY (id, "No"))',
        entry=with_conflict("update"),
        code="conflict_key",
        names="public.people",
        says='gives no "No"',
    ),
    "to update nothing": Case(
        setup=BOTH,
        entry="copy_rows: {from: users, into: people, columns: [id], on_conflict: update}",
        code="conflict_key",
        names="public.people",
        says="on_conflict: skip",
    ),
    "a value of another type": Case(
        setup=BOTH,
        entry="copy_rows: {from: users, into: people, columns: {id: email}}",
        code="expression",
        names="copy_rows on public.users",
        says="type integer but expression is of type text",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_is_refused_by_name(database: Database, case: Case) -> None:
    database.execute(sql.SQL(case.setup))
    [found] = refusals(database, case.entry)
    assert (found.code, found.ack) == (case.code, case.ack)
    assert found.object == case.names
    assert case.says in f"{found.message} {found.instead}"
    assert found.instead


def test_a_column_that_nothing_fills_is_a_caution(database: Database) -> None:
    database.execute(f"{BOTH}; ALTER TABLE people ALTER address SET NOT NULL")
    assert [(c.code, c.object) for c in cautions(database, COPY)] == [("no_value", "public.people.address")]


def test_triggers_of_the_target_are_named(database: Database) -> None:
    database.execute(
        f"{BOTH}; {TOUCH};"
        "CREATE TRIGGER come BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION touch();"
        "CREATE TRIGGER change BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch();"
        "CREATE TRIGGER other BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    assert [c.message for c in cautions(database, COPY)] == ["the INSERT fires come once for each row."]
    assert [c.message for c in cautions(database, with_conflict("update"))] == [
        "the UPDATE fires change once for each row.",
        "the INSERT fires come once for each row.",
    ]


def test_a_column_that_another_run_renames_is_left_to_it(database: Database) -> None:
    database.execute(BOTH)
    with Engine(database.url) as engine:
        engine.expand(plan("rename_column: {table: people, from: email, to: mail}", name="a-rename"))
    assert {r.code for r in refusals(database, COPY)} == {"in_another_run"}
    assert refusals(database, MAPPED) == []
