"""`update_rows`: what it compiles to, and what speaks against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from crossfade.operations.rows.data_statement import statement
from crossfade.operations.step import DataChange, Update
from crossfade.workflow.engine import Engine

from .data_cases import Case, cautions, compiled, keyed, only, plan, refusals

if TYPE_CHECKING:
    from ..fixtures.database import Database

USERS = "CREATE TABLE users (id int PRIMARY KEY, email text, name text)"
LOWER = "update_rows: {table: users, set: {email: lower(email)}, where: email <> lower(email)}"
EVERY = "update_rows: {table: users, set: {email: lower(email)}}"
TOUCH = "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$"


def test_the_assignments_the_condition_and_what_is_touched() -> None:
    found = only(compiled(LOWER, keyed("public", "users", "id", "email")))
    assert found == DataChange(
        id="1.update_rows/rows",
        schema="public",
        table="users",
        pending="(email <> lower(email)) IS TRUE",
        write=Update(assignment='"email" = lower(email)'),
        touched=("email",),
    )


def test_without_a_condition_every_row_is_meant() -> None:
    assert only(compiled(EVERY, keyed("public", "users", "id", "email"))).pending == "true"


def test_odd_names_are_quoted() -> None:
    table = keyed('Odd "S" x', "50 % of Ü", "id", 'a"b', "%s", "user")
    entry = """update_rows:
      table: '"Odd ""S"" x"."50 % of Ü"'
      set: {'a"b': '"%s"', "user": "'{} %s ' || id"}
      where: '"a""b" IS NULL'
    """
    found = only(compiled(entry, table))
    assert (found.schema, found.table, found.touched) == ('Odd "S" x', "50 % of Ü", ('a"b', "user"))
    assert found.write == Update(assignment='"a""b" = "%s", "user" = \'{} %s \' || id')
    assert found.pending == '("a""b" IS NULL) IS TRUE'


def test_two_changes_have_ids_of_their_own() -> None:
    both = compiled(f"{LOWER}\n  - {EVERY}", keyed("public", "users", "id", "email"))
    assert [change.id for change in both.program.data] == ["1.update_rows/rows", "2.update_rows/rows"]


def test_the_schema_is_found_on_the_search_path(database: Database) -> None:
    database.execute("CREATE SCHEMA shop; CREATE TABLE shop.users (id int PRIMARY KEY, email text)")
    database.execute(sql.SQL("ALTER DATABASE {} SET search_path = shop").format(sql.Identifier(database.name)))
    with Engine(database.url) as engine:
        [change] = engine.explain(plan(LOWER)).program.data
    assert (change.schema, change.table) == ("shop", "users")


@pytest.mark.every_server
def test_the_statement_does_what_the_plan_says(database: Database) -> None:
    """Also with NULL in the condition, and with names that SQL or Python would take for something else."""
    database.execute(
        'CREATE SCHEMA "Odd.S"; CREATE TABLE "Odd.S"."50 % of ""Ü"" x" (id int PRIMARY KEY, "a""b" text, "%s" text);'
        """INSERT INTO "Odd.S"."50 % of ""Ü"" x" VALUES (1, 'A', 'B'), (2, NULL, 'C'), (3, 'd', NULL)"""
    )
    entry = """update_rows:
      table: '"Odd.S"."50 % of ""Ü"" x"'
      set: {'a"b': 'lower("a""b")', "%s": "'100 % {}'"}
      where: '"a""b" <> lower("a""b") -- or NULL'
    """
    with Engine(database.url) as engine:
        assert engine.check(plan(entry)).refusals == ()
        [change] = engine.explain(plan(entry)).program.data
    database.execute(sql.SQL(statement(change)))
    assert database.execute('SELECT * FROM "Odd.S"."50 % of ""Ü"" x" ORDER BY id') == [
        (1, "a", "100 % {}"),
        (2, None, "C"),
        (3, "d", None),
    ]


CASES = {
    "no such table": Case(
        setup=USERS,
        entry="update_rows: {table: usres, set: {email: name}}",
        code="no_such_table",
        names="usres",
        says="Did you mean users?",
    ),
    "a view": Case(
        setup=f"{USERS}; CREATE VIEW people AS SELECT * FROM users",
        entry="update_rows: {table: people, set: {email: name}}",
        code="not_a_table",
        names="public.people",
        says="it is a view",
    ),
    "a column to set that is not there": Case(
        setup=USERS,
        entry="update_rows: {table: users, set: {emial: name}}",
        code="no_such_column",
        names="public.users.emial",
        says="mean email?",
    ),
    "a column in an expression that is not there": Case(
        setup=USERS,
        entry="update_rows: {table: users, set: {email: lower(nmae)}}",
        code="no_such_column",
        names="public.users.nmae",
        says="mean name?",
    ),
    "a column in the condition that is not there": Case(
        setup=USERS,
        entry="update_rows: {table: users, set: {email: name}, where: emial IS NULL}",
        code="no_such_column",
        names="public.users.emial",
        says="mean email?",
    ),
    "a column that needs quotes": Case(
        setup='CREATE TABLE users (id int PRIMARY KEY, "Email" text)',
        entry="update_rows: {table: users, set: {Email: lower(Email)}}",
        code="no_such_column",
        names="public.users.email",
        says='mean "Email"?',
    ),
    "a text without its quotes": Case(
        setup=USERS,
        entry='update_rows: {table: users, set: {email: "zzzzzz"}}',
        code="no_such_column",
        names="public.users.zzzzzz",
        says="single quotes",
    ),
    "a system column": Case(
        setup=USERS,
        entry="update_rows: {table: users, set: {email: name}, where: xmin IS NULL}",
        code="no_such_column",
        names="public.users.xmin",
        says="no column xmin",
    ),
    "the row itself": Case(
        setup=USERS,
        entry="update_rows: {table: users, set: {email: to_json(users)}}",
        code="no_such_column",
        names="public.users.users",
        says="no column users",
    ),
    "a generated column": Case(
        setup=f"{USERS}; ALTER TABLE users ADD lowered text GENERATED ALWAYS AS (lower(email)) STORED",
        entry="update_rows: {table: users, set: {lowered: name}}",
        code="generated_column",
        names="public.users.lowered",
        says="computed from",
    ),
    "an identity": Case(
        setup=f"{USERS}; ALTER TABLE users ADD number int GENERATED ALWAYS AS IDENTITY",
        entry='update_rows: {table: users, set: {number: "1"}}',
        code="identity_column",
        names="public.users.number",
        says="SET GENERATED BY DEFAULT",
    ),
    "the primary key": Case(
        setup=USERS,
        entry="update_rows: {table: users, set: {id: id + 1}}",
        code="primary_key",
        names="public.users.id",
        says="copy_rows",
    ),
    "a part of the primary key of a child": Case(
        setup="CREATE TABLE users (id int PRIMARY KEY, email text);"
        "CREATE TABLE staff (rank int, PRIMARY KEY (rank, email)) INHERITS (users)",
        entry="update_rows: {table: users, set: {email: lower(email)}}",
        code="primary_key",
        names="public.staff.email",
        says="met twice",
    ),
    "a partition key": Case(
        setup="CREATE TABLE users (id int, email text) PARTITION BY LIST (email);"
        "CREATE TABLE users_1 PARTITION OF users DEFAULT",
        entry=LOWER,
        code="partition_key",
        names="public.users.email",
        says="another partition",
    ),
    "a partition key in an expression, further down": Case(
        setup="CREATE TABLE users (id int, at date, email text) PARTITION BY RANGE (at);"
        "CREATE TABLE users_1 PARTITION OF users DEFAULT PARTITION BY LIST (lower(email))",
        entry=LOWER,
        code="partition_key",
        names="public.users_1.email",
        says="another partition",
    ),
    "a foreign partition": Case(
        setup="CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;"
        "CREATE TABLE users (id int, email text) PARTITION BY LIST (id);"
        "CREATE FOREIGN TABLE far PARTITION OF users FOR VALUES IN (1) SERVER files OPTIONS (filename '/dev/null')",
        entry=LOWER,
        code="foreign_partition",
        names="public.far",
        says="another server",
    ),
    "no key and no condition": Case(
        setup="CREATE TABLE users (id int, email text)",
        entry=EVERY,
        code="no_key",
        names="public.users",
        says="Give it a primary key",
    ),
    "no key and a condition that is always the same": Case(
        setup="CREATE TABLE users (id int, email text)",
        entry="update_rows: {table: users, set: {email: lower(email)}, where: now() > '2020-01-01'}",
        code="no_key",
        names="public.users",
        says="false for a row once it is changed",
    ),
    "a unique key that the change does not leave alone": Case(
        setup="CREATE TABLE users (id int, email text NOT NULL UNIQUE)",
        entry=EVERY,
        code="no_key",
        names="public.users",
        says="leaves alone",
    ),
    "a foreign key that follows": Case(
        setup="CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);"
        'CREATE TABLE logins (email text CONSTRAINT "ON UPDATE CASCADE" REFERENCES users (email) ON UPDATE CASCADE)',
        entry=LOWER,
        code="cascade",
        names="public.logins",
        says="changed too",
        ack="cascade",
    ),
    "a value of another type": Case(
        setup=USERS,
        entry="update_rows: {table: users, set: {email: \"'a'\"}, where: id = true}",
        code="expression",
        names="where of update_rows on public.users",
        says="integer = boolean",
    ),
    "a value that the column cannot take": Case(
        setup=f"{USERS}; ALTER TABLE users ADD born date",
        entry="update_rows: {table: users, set: {born: id}}",
        code="expression",
        names="update_rows on public.users",
        says="type date",
    ),
    "a condition that is none": Case(
        setup=USERS,
        entry="update_rows: {table: users, set: {email: name}, where: id}",
        code="expression",
        names="where of update_rows on public.users",
        says="type boolean",
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
    if case.ack is not None:
        assert refusals(database, case.entry, case.ack) == []


def test_all_that_speaks_against_it_comes_at_once(database: Database) -> None:
    database.execute(f"{USERS}; ALTER TABLE users ADD lowered text GENERATED ALWAYS AS (lower(email)) STORED")
    found = refusals(database, "update_rows: {table: users, set: {id: x, lowered: y}}")
    assert [r.code for r in found] == ["no_such_column", "no_such_column", "generated_column", "primary_key"]


def test_a_change_with_a_key_has_nothing_to_warn_of(database: Database) -> None:
    database.execute(USERS)
    assert cautions(database, EVERY) == []


@pytest.mark.parametrize(
    "key",
    [
        "UNIQUE (email, id)",
        "UNIQUE (id) DEFERRABLE",
        "EXCLUDE (id WITH =)",
    ],
)
def test_without_a_key_that_stays_the_condition_is_proven_while_it_runs(database: Database, key: str) -> None:
    database.execute(
        sql.SQL("CREATE TABLE users (id int NOT NULL, email text NOT NULL, name text, {})").format(sql.SQL(key))
    )
    [found] = cautions(database, LOWER)
    assert (found.code, found.object) == ("no_key", "public.users")
    assert "row by row" in found.message


@pytest.mark.parametrize("index", ["(id) WHERE id > 0", "(abs(id))", "(name)"])
def test_an_index_that_does_not_order_every_row_is_no_key(database: Database, index: str) -> None:
    database.execute("CREATE TABLE users (id int NOT NULL, email text, name text)")
    database.execute(sql.SQL("CREATE UNIQUE INDEX ON users {}").format(sql.SQL(index)))
    assert [c.code for c in cautions(database, LOWER)] == ["no_key"]


def test_a_unique_key_that_the_change_leaves_alone_is_one(database: Database) -> None:
    database.execute("CREATE TABLE users (id int NOT NULL UNIQUE, email text UNIQUE)")
    assert cautions(database, EVERY) == []


def test_each_leaf_has_a_key_of_its_own(database: Database) -> None:
    database.execute(
        "CREATE TABLE users (id int NOT NULL, email text) PARTITION BY LIST (id);"
        "CREATE TABLE users_1 PARTITION OF users (PRIMARY KEY (id)) FOR VALUES IN (1);"
        "CREATE TABLE users_2 PARTITION OF users FOR VALUES IN (2)"
    )
    assert [(c.code, c.object) for c in cautions(database, LOWER)] == [("no_key", "public.users_2")]


def test_a_foreign_key_that_holds_rows_back_is_a_caution(database: Database) -> None:
    database.execute(
        "CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE);"
        "CREATE TABLE logins (email text REFERENCES users (email) ON DELETE CASCADE)"
    )
    assert [(c.code, c.object) for c in cautions(database, LOWER)] == [("referenced", "public.logins")]


def test_a_column_that_another_run_renames_is_left_to_it(database: Database) -> None:
    """By its old name, its new one, and with its quotes; other columns of the table are free."""
    database.execute('CREATE TABLE users (id int PRIMARY KEY, "E-mail" text, name text)')
    rename = plan("rename_column: {table: users, from: E-mail, to: address}", name="a-rename")
    with Engine(database.url) as engine:
        engine.expand(rename)
    for column in ("E-mail", "address"):
        [found] = refusals(database, f"update_rows: {{table: users, set: {{{column}: name}}}}")
        assert found.code == "in_another_run"
        assert "run a-rename" in found.message
    assert refusals(database, "update_rows: {table: users, set: {name: lower(name)}}") == []
