"""Bodies of DO blocks and functions: what is found inside, where, and what is left to the app."""

from __future__ import annotations

import pytest

from crossfade.lint.bodies import body_of
from crossfade.postgres.catalog import QualifiedName

from .found import script
from .shop import IN_USE
from .told import Written, after, errors, rules, told

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
        (12, "EXECUTE format('DROP TABLE %I', 'users');"),
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


@pytest.mark.parametrize(
    ("body", "sql"),
    [
        ("BEGIN EXECUTE format('ALTER TABLE %I ADD CHECK (a>0)', 't'); END", "ALTER TABLE t ADD CHECK (a>0)"),
        ("BEGIN EXECUTE format('DROP TABLE %2$I.%1$s; -- 5%%', 't', 'S'); END", 'DROP TABLE "S".t'),
        ("BEGIN EXECUTE 'ALTER TABLE t ' || 'ADD CHECK (a>0)'; END", "ALTER TABLE t ADD CHECK (a>0)"),
        ("DECLARE q text := 'DROP INDEX zz'; BEGIN EXECUTE q; END", "DROP INDEX zz"),
        ("DECLARE q text; BEGIN q := 'DROP INDEX ' || quote_ident('Z'); EXECUTE q; END", 'DROP INDEX "Z"'),
    ],
)
def test_a_text_of_constants_is_known(body: str, sql: str) -> None:
    found = body_of(script(f"DO $x$ {body} $x$;").statements[0])

    assert found is not None
    assert [s.sql if ";" not in s.sql else s.sql.split(";")[0] for s in found.statements] == [sql]
    assert "text-not-seen" not in rules(told(f"DO $x$ {body} $x$;"))


@pytest.mark.parametrize(
    "body",
    [
        "DECLARE r record; BEGIN EXECUTE 'DROP TABLE ' || r.name; END",
        "DECLARE q text := 'DROP INDEX zz'; BEGIN q := q || 'a'; EXECUTE q; END",
        "DECLARE q text := 'DROP INDEX zz'; BEGIN SELECT t INTO q FROM x; EXECUTE q; END",
        "DECLARE q text; BEGIN EXECUTE q; END",
        "BEGIN EXECUTE $b$ DO $c$ DECLARE q text; BEGIN EXECUTE q; END $c$ $b$; END",
        "DECLARE q text := 'DROP INDEX zz'; BEGIN FOREACH q IN ARRAY x LOOP EXECUTE q; END LOOP; END",
        "DECLARE q text := 'DROP INDEX zz'; r int; BEGIN FOREACH r IN ARRAY x LOOP q := r; END LOOP; EXECUTE q; END",
        "DECLARE q text := 'DROP INDEX zz'; BEGIN GET DIAGNOSTICS q = PG_CONTEXT; EXECUTE q; END",
    ],
)
def test_a_text_that_is_not_known_is_told(body: str) -> None:
    assert "text-not-seen" in rules(told(f"DO $x$ {body} $x$;"))
    assert "text-not-seen" not in rules(told("DO $$ DECLARE q text; BEGIN EXECUTE 'SELECT ' || q; END $$;"))


def test_a_block_in_another_language_is_told() -> None:
    found = [f.message for f in told("DO LANGUAGE plpython3u $$ plpy.execute('DROP TABLE users') $$;")]

    assert "runs a block in plpython3u, which was not looked into." in found


def test_a_block_in_a_block_is_looked_into() -> None:
    text = "DO $a$ BEGIN\nEXECUTE $b$ DO $c$ BEGIN\nDROP TABLE users; END $c$ $b$; END $a$;"

    assert inside(text)[1:] == [(3, "DROP TABLE users")]


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


NOT_CALLED = """CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  CREATE INDEX ON users (age);
  ALTER TABLE users ADD CHECK (age > 0);
  DROP INDEX CONCURRENTLY users_age;
  VACUUM FULL users;
END $$;
"""


def test_what_a_function_would_do_is_a_warning_that_says_when() -> None:
    found = told(NOT_CALLED, written=Written(schema=IN_USE))
    by_call = told(NOT_CALLED + "SELECT f();", written=Written(schema=IN_USE))

    when = {f.rule for f in found if f.message.startswith("when the function f is called, ")}
    assert when > {"index-not-concurrently", "constraint-without-not-valid", "not-in-a-transaction", "vacuum-full"}
    assert not errors(found)
    assert {f.rule for f in errors(by_call) if f.message.startswith("in the function f, ")} == when - {
        "unqualified-name"
    }


FILLS = (
    "CREATE FUNCTION f(n int) RETURNS void LANGUAGE {language} AS $$ {begin} UPDATE users SET age = 1; "
    "ALTER TABLE users ALTER COLUMN age TYPE bigint; {end} $$;\n"
)
CALLS_ITSELF = "LANGUAGE plpgsql AS $$ BEGIN IF true THEN PERFORM f(1); ELSE CALL g(); END IF; END $$"
PLPGSQL = FILLS.format(language="plpgsql", begin="BEGIN", end="END")


@pytest.mark.parametrize(
    "call",
    [
        "SELECT f(1);",
        "SELECT * FROM f(1); SELECT f(2);",
        "DO $$ BEGIN PERFORM f(1); END $$;",
        "DO $$ BEGIN CALL f(1); END $$;",
        "CREATE FUNCTION g() RETURNS void LANGUAGE sql AS 'SELECT f(1)'; SELECT g();",
        "CREATE FUNCTION g() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT f(1); END; SELECT g();",
        f"CREATE PROCEDURE g() {CALLS_ITSELF}; DO $$ BEGIN CALL g(); END $$;",
        "SELECT public.f(1);",
        "INSERT INTO notes SELECT f(1);",
        "CREATE TABLE made AS SELECT f(1);",
        "DO $$ DECLARE x text; BEGIN x := f(1); END $$;",
        "DO $$ DECLARE x text; BEGIN x = f(1); END $$;",
        "DO $$ DECLARE x text := f(1); BEGIN NULL; END $$;",
        "DO $$ BEGIN IF f(1) IS NULL THEN RETURN; END IF; END $$;",
        "DO $$ BEGIN RAISE NOTICE '%', f(1); END $$;",
        "CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN f(1); END $$; SELECT g();",
    ],
)
@pytest.mark.parametrize("made", [PLPGSQL, FILLS.format(language="sql", begin="", end="")])
def test_what_a_function_does_runs_where_its_file_calls_it(made: str, call: str) -> None:
    found = told(made + call, written=Written(schema=IN_USE))

    assert [f.position.line for f in found if f.rule == "type-change"] == [1]
    (written,) = (f.message for f in found if f.rule == "whole-table-write")
    assert written.startswith("in the function f, writes all rows of public.users")


def test_a_body_that_is_parsed_with_its_function_is_one_too() -> None:
    made = "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM users; END;\n"

    assert "delete-all-rows" in rules(told(f"{made}SELECT f();", written=Written(schema=IN_USE)))
    assert "delete-all-rows" not in rules(told(made, written=Written(schema=IN_USE)))


def test_a_function_that_is_not_called_is_the_apps_own_work() -> None:
    for call in ("SELECT g(1);", "DO $$ BEGIN PERFORM g(1); END $$;", ""):
        assert "whole-table-write" not in rules(told(PLPGSQL + call, written=Written(schema=IN_USE)))
    # One of another schema is another one, whatever its name.
    in_public = PLPGSQL.replace("FUNCTION f", "FUNCTION public.f")
    assert "whole-table-write" not in rules(told(f"{in_public}SELECT app.f(1);", written=Written(schema=IN_USE)))
    assert "whole-table-write" in rules(told(f"{in_public}SELECT f(1);", written=Written(schema=IN_USE)))
    # The call comes before it: that was another one.
    assert "whole-table-write" not in rules(told(f"SELECT f(1);\n{PLPGSQL}", written=Written(schema=IN_USE)))


FUNCTION = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS\n$$ {body} $$;\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FUNCTION.format(body="BEGIN RETURN 1 END"), "the function: syntax error at end of input."),
        ("DO\n$$ BEGIN SELEKT 1; END $$;", 'the DO block: syntax error at or near "SELEKT".'),
        (
            "SET check_function_bodies = false;\nDO $$ BEGIN SELEKT 1; END $$;",
            'the DO block: syntax error at or near "SELEKT".',
        ),
    ],
)
def test_a_body_with_a_syntax_error_is_told(text: str, words: str) -> None:
    (found,) = (f for f in told(text) if f.rule == "body-unreadable")
    assert (found.position.line, found.message.endswith(words)) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        FUNCTION.format(body="BEGIN RETURN 1; END"),
        # what the parser does not know without a catalog
        FUNCTION.format(body="DECLARE r users[]; BEGIN r[1].id := 1; RETURN 1; END"),
        FUNCTION.format(body="BEGIN FOR r IN SELECT 1 LOOP END LOOP; RETURN 1; END"),
        # what a tool fills in
        FUNCTION.format(body="BEGIN UPDATE ${schema}.users SET a = 1; RETURN 1; END"),
        "SET check_function_bodies = false;\n" + FUNCTION.format(body="BEGIN RETURN 1 END"),
        "CREATE FUNCTION f() RETURNS int LANGUAGE plv8 AS $$ BEGIN RETURN 1 END $$;",
    ],
)
def test_other_bodies_are_not(text: str) -> None:
    assert "body-unreadable" not in rules(told(text))
