"""Bodies of DO blocks and functions: what is found inside, where, and what is left to the app."""

from __future__ import annotations

import pytest

from crossfade.lint.bodies import body_of
from crossfade.postgres.catalog import QualifiedName

from .found import script
from .shop import IN_USE
from .told import Written, after, rules, told

BLOCK = """DO $x$
DECLARE r record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'users_age') THEN
    EXECUTE 'CREATE INDEX users_age ON users (age)';
  END IF;
  FOR r IN SELECT 1 LOOP
    ALTER TABLE users
      ALTER COLUMN age TYPE bigint;
  END LOOP;
  PERFORM now();
  EXECUTE format('DROP TABLE %I', 'users');
EXCEPTION WHEN others THEN
  DELETE FROM users;
END $x$;"""


def inside(text: str) -> list[tuple[int, str]]:
    """Line and text of each statement inside of the only one."""
    body = body_of(script(text).statements[0])
    return [(s.position.line, s.text) for s in body.statements] if body is not None else []


def test_a_block_is_looked_into_with_places() -> None:
    assert inside(BLOCK) == [
        (5, "CREATE INDEX users_age ON users (age)"),
        (8, "ALTER TABLE users\n      ALTER COLUMN age TYPE bigint"),
        (14, "DELETE FROM users"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # what a function does with rows is the app's work
        ("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE users SET age = 1; END $$;", []),
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\nTRUNCATE users; END $$;",
            [(2, "TRUNCATE users")],
        ),
        ("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\nDROP TABLE users $$;", [(2, "DROP TABLE users")]),
        (
            "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; DROP TABLE users; END $$;",
            [(1, "DROP TABLE users")],
        ),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x', 'drop_it';", []),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1;", []),
        # nothing of it can be told, and nothing else is hidden by it
        ("DO $$ this is DROP no PL/pgSQL $$;", []),
        ("DO LANGUAGE plpython3u $$ DROP = 1 $$;", []),
        ("DO $$ BEGIN EXECUTE 'DROP ' || name; END $$;", []),
        ("DO $$ BEGIN EXECUTE 'DROP what'; END $$;", []),
        ("DO $$ BEGIN PERFORM 1; END $$;", []),
        ("SELECT 1;", []),
    ],
)
def test_what_is_found(text: str, found: list[tuple[int, str]]) -> None:
    assert inside(text) == found


def test_a_body_in_plain_quotes_is_found_at_its_line() -> None:
    text = "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS '\nBEGIN\n  DROP TABLE \"it''s\";\nEND';"
    body = body_of(script(text).statements[0])

    assert body is not None
    (statement,) = body.statements
    assert statement.sql == 'DROP TABLE "it\'s"'
    assert statement.position.line == 1


def test_a_statement_with_into_is_found_at_its_line() -> None:
    text = "DO $$ DECLARE n int; BEGIN\n  INSERT INTO notes VALUES (1)\n  RETURNING id INTO n;\nEND $$;"

    assert [line for line, _ in inside(text)] == [2]


def test_findings_say_that_they_are_inside() -> None:
    found = [f for f in told(BLOCK, written=Written(schema=IN_USE)) if f.rule == "type-change"]

    assert [(f.position.line, f.position.column) for f in found] == [(9, 20)]
    assert found[0].message.startswith(
        "in a DO block, writes all rows anew while reads and writes of public.users wait"
    )


def test_a_block_changes_the_model_and_a_function_does_not() -> None:
    block = after("DO $$ BEGIN CREATE TABLE made (a int); END $$;")
    function = after("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE made (a int); END $$;")

    assert QualifiedName("public", "made") in block.tables
    assert function.tables == {}


def test_a_function_sees_tables_of_its_own_migration_as_in_use() -> None:
    """When it is called they will be."""
    text = (
        "CREATE TABLE pets (a int);\n"
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE INDEX ON pets (a); END $$;"
    )

    assert "index-not-concurrently" in rules(told(text))
    assert "lock-timeout-missing" not in rules(told(text))
