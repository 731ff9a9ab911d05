"""Rules on locks, rewrites and scans: what each says, and where it is silent."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade.lint.check import check
from crossfade.lint.finding import Severity
from crossfade.migrations.migration import Migration, Project, Tool, Transaction
from crossfade.migrations.script import Script, Source
from crossfade.postgres.names import QualifiedName

from .shop import IN_USE, SHOP, SPEAKS
from .told import Written, after, errors, rules, told

if TYPE_CHECKING:
    from crossfade.lint.finding import Finding


def shop(sql: str) -> list[Finding]:
    """What is said of a migration of the shop."""
    return told(sql, written=Written(schema=IN_USE))


def test_what_is_of_citext_is_stored_as_text() -> None:
    made = (
        "CREATE TABLE people (name citext, nick text);\nCREATE TABLE others (name citext);\n"
        "CREATE INDEX ON others (name);"
    )
    changed = "SET lock_timeout = '2s';\nALTER TABLE people ALTER name TYPE text, ALTER nick TYPE citext;"
    assert errors(told(made, changed)) == []
    # Its index is one of other operators, and built anew.
    assert rules(errors(told(made, "ALTER TABLE others ALTER name TYPE text;"))) == ["type-change"]


def test_a_domain_that_no_file_makes_may_leave_the_rows_as_they_are() -> None:
    made = (
        "CREATE TABLE people (name text);\nCREATE DOMAIN nick AS text;\nCREATE DOMAIN email AS text CHECK (value > '');"
    )
    change = "SET lock_timeout = '2s';\nALTER TABLE public.people ALTER name TYPE {};"
    by_type = {
        name: told(made, change.format(name)) for name in ("nick", "email", "x", "x USING name::x", "x[]", "x(3)")
    }
    assert [name for name, found in by_type.items() if rules(errors(found)) == ["type-change"]] == [
        "email",
        "x USING name::x",
        "x[]",
        "x(3)",
    ]
    assert "type-change" not in rules(by_type["nick"])
    (doubtful,) = (f for f in by_type["x"] if f.rule == "type-change")
    assert doubtful.severity is Severity.WARNING
    assert "may write all rows anew" in doubtful.message
    assert "the type x is not known here" in doubtful.message


def test_a_new_column_of_a_type_that_no_file_makes_may_be_of_a_domain() -> None:
    made = "CREATE TABLE t (a text); CREATE DOMAIN d AS int; CREATE TYPE a AS ENUM ('x'); ALTER TYPE a RENAME TO b;"
    add = "SET lock_timeout = '2s'; ALTER TABLE t ADD COLUMN c {};"
    found = [f for name in ("b", "d", "t", "citext", "x[]", "x(3)", "x") for f in told(made, add.format(name))]
    (doubtful,) = (f for f in found if f.rule == "column-of-checked-domain")
    assert doubtful.severity is Severity.WARNING
    assert "the type x is not known here" in doubtful.message


def test_what_is_advised_for_partitioned_tables_works_there() -> None:
    made = (
        "CREATE TABLE whole (id int GENERATED ALWAYS AS IDENTITY, u bigint) PARTITION BY RANGE (id);\n"
        "CREATE TABLE users (id bigint PRIMARY KEY);"
    )
    part = told(made, "CREATE TABLE p1 PARTITION OF whole FOR VALUES FROM (1) TO (9);")
    key = told(made, "ALTER TABLE whole ADD FOREIGN KEY (u) REFERENCES users;")
    assert "(LIKE whole INCLUDING ALL EXCLUDING IDENTITY)" in (
        {f.rule: f for f in part}["create-partition"].instead or ""
    )
    assert "ON ONLY public.whole" in ({f.rule: f for f in key}["foreign-key-without-index"].instead or "")


SILENT = [
    # made in the same migration: nobody waits for it
    (
        "CREATE TABLE pets (id int);\nCREATE INDEX ON pets (id);\nALTER TABLE pets ADD COLUMN n serial;\n"
        "ALTER TABLE pets ALTER COLUMN id SET NOT NULL;\nALTER TABLE pets ADD CHECK (id > 0);\nUPDATE pets SET id = 1;"
    ),
    (
        "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);\n"
        "CREATE INDEX ON b (a);"
    ),
    # a new table is empty, so its foreign keys look up nothing
    (
        "SET lock_timeout = '2s';\nCREATE TABLE pets (id int, owner bigint);\n"
        "ALTER TABLE pets ADD FOREIGN KEY (owner) REFERENCES users;\nCREATE INDEX ON pets (owner);"
    ),
    # nothing is known of it but that it is there
    "SET lock_timeout = '2s';\nALTER TABLE nobody_knows_it ADD UNIQUE USING INDEX nobody_knows_it_key;",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY nobody_knows_it;",
    "CREATE TEMP TABLE work (a int);\nUPDATE work SET a = 1;",
    "CREATE TABLE pets (a int);\nSAVEPOINT a;\nDROP TABLE pets;\nROLLBACK TO a;\nCREATE INDEX ON pets (a);",
    (
        "SET lock_timeout = '2s';\nSAVEPOINT a;\nALTER TABLE users ADD COLUMN a int;\nROLLBACK TO a;\n"
        "ALTER TABLE users VALIDATE CONSTRAINT age_given;"
    ),
    # what takes a moment
    "SET lock_timeout = '2s';\nALTER TABLE users ADD COLUMN a int;",
    "SET lock_timeout = '2s';\nALTER TABLE users ADD COLUMN a int NOT NULL DEFAULT 7;",
    "SET lock_timeout = '2s';\nALTER TABLE users ADD COLUMN a timestamptz DEFAULT now();",
    "SET lock_timeout = '2s';\nALTER TABLE users ADD COLUMN a text DEFAULT public.digest(lower('x'), 'md5');",
    "SET lock_timeout = '2s';\nALTER TABLE users ADD COLUMN a uuid DEFAULT auth.uid();",
    (
        "CREATE FUNCTION made() RETURNS text STABLE LANGUAGE sql AS 'SELECT now()::text';\n"
        "SET lock_timeout = '2s';\nALTER TABLE users ADD COLUMN a text DEFAULT made();"
    ),
    "SET lock_timeout = '2s';\nALTER TABLE users ADD COLUMN a label;",
    "SET lock_timeout = '2s';\nALTER TABLE users ALTER COLUMN age SET NOT NULL;",
    "SET lock_timeout = '2s';\nALTER TABLE users ALTER COLUMN email SET NOT NULL;",
    "SET lock_timeout = '2s';\nALTER TABLE users ALTER COLUMN code TYPE varchar(30);",
    "SET lock_timeout = '2s';\nALTER TABLE users ALTER COLUMN code TYPE text;",
    "SET lock_timeout = '2s';\nALTER TABLE users ALTER COLUMN ratio TYPE numeric(12,2);",
    "SET lock_timeout = '2s';\nALTER TABLE users ADD CONSTRAINT old CHECK (age > 17) NOT VALID;",
    "SET lock_timeout = '2s';\nALTER TABLE notes ADD PRIMARY KEY USING INDEX notes_id;",
    "SET lock_timeout = '2s';\nALTER TABLE notes ADD UNIQUE USING INDEX notes_n;",
    "SELECT pg_catalog.set_config('lock_timeout', '2s', true);\nALTER TABLE users ADD COLUMN a int;",
    "ALTER TABLE users VALIDATE CONSTRAINT age_given;",
    "ALTER DOMAIN cents ADD CHECK (value < 10) NOT VALID;",
    "CREATE SCHEMA q CREATE TABLE qq (a int);\nCREATE INDEX ON q.qq (a);",
    # what is there already
    "SET lock_timeout = '2s';\nCREATE INDEX IF NOT EXISTS users_code ON users (code);",
    "SET lock_timeout = '2s';\nALTER TABLE users ADD COLUMN IF NOT EXISTS age int NOT NULL;",
    "DROP INDEX IF EXISTS nothing;",
    # some rows only
    "UPDATE users SET age = 1 WHERE id = 7;",
    "DELETE FROM users WHERE id BETWEEN 1 AND 9;",
    "INSERT INTO notes VALUES (1, 2);",
    "INSERT INTO notes SELECT id, age FROM users WHERE id < 9;",
    "INSERT INTO notes SELECT g, g FROM generate_series(1, 9) g;",
    "CREATE TABLE copies AS SELECT * FROM users WITH NO DATA;",
    "EXPLAIN DELETE FROM users;",
    "SET lock_timeout = '2s';\nCREATE RULE gone AS ON DELETE TO notes DO ALSO DELETE FROM cache;",
    # a CTE is not the table of its name
    "WITH users AS (SELECT 1 AS id) INSERT INTO notes SELECT id, id FROM users;",
    "INSERT INTO notes WITH users AS (SELECT 1 AS id) SELECT id, id FROM users;",
    # one form of a kind that is refused in another one
    "DISCARD TEMP;",
    "ALTER DATABASE shop CONNECTION LIMIT 9;",
    # index for a new key, before or after it
    "SET lock_timeout = '2s';\nCREATE TABLE pets (owner bigint REFERENCES users);\nCREATE INDEX ON pets (owner);",
    "SET lock_timeout = '2s';\nREFRESH MATERIALIZED VIEW totals WITH NO DATA;",
]


@pytest.mark.parametrize(("rule", "sql"), SPEAKS)
def test_rule_speaks(rule: str, sql: str) -> None:
    assert rule in rules(shop(sql))


OF_LOCKS = {rule for rule, _ in SPEAKS} | {"table-work-behind-lock"}


@pytest.mark.parametrize("sql", SILENT)
def test_no_rule_of_locks_speaks(sql: str) -> None:
    assert [f.message for f in shop(sql) if f.rule in OF_LOCKS] == []


def test_first_migration_of_all_is_clean() -> None:
    """Nothing is there before it that could wait."""
    assert errors(told(SHOP)) == []


@pytest.mark.parametrize(
    ("tool", "transaction", "sql", "words"),
    [
        (Tool.PRISMA, Transaction.IF_SEVERAL, "SELECT 1;\n{};", "Prisma sends the file as one text"),
        (Tool.DRIZZLE, Transaction.ALWAYS, "{};", "Drizzle runs all pending migrations in one"),
        (Tool.NODE_PG_MIGRATE, Transaction.ALWAYS, "{};", "node-pg-migrate runs all pending migrations in one"),
        (Tool.FLYWAY, Transaction.ALWAYS, "{};", "Flyway runs the file in one"),
        (Tool.PLAIN, Transaction.NEVER, "BEGIN;\n{};\nCOMMIT;", "the file has begun one"),
        (Tool.PLAIN, Transaction.NEVER, "DO $$ BEGIN\n{};\nEND $$;", "a DO block is always part of one"),
        (Tool.PRISMA, Transaction.IF_SEVERAL, "BEGIN;\nSELECT 1;\nCOMMIT;\n{};", "Prisma sends the file as one text"),
    ],
)
def test_refused_in_a_transaction_with_whose_it_is(tool: Tool, transaction: Transaction, sql: str, words: str) -> None:
    text = sql.format("CREATE INDEX CONCURRENTLY users_age ON users (age)")
    found = [
        f
        for f in told(text, written=Written(tool=tool, transaction=transaction, schema=IN_USE))
        if "25001" in f.message
    ]

    assert [words in f.message for f in found] == [True]


@pytest.mark.parametrize(
    ("tool", "transaction", "sql"),
    [
        (Tool.PRISMA, Transaction.IF_SEVERAL, "{};"),
        (Tool.PLAIN, Transaction.NEVER, "SELECT 1;\n{};"),
        (Tool.DRIZZLE, Transaction.ALWAYS, "COMMIT;\n{};\nBEGIN;"),
        (Tool.PLAIN, Transaction.NEVER, "BEGIN;\nSELECT 1;\nCOMMIT;\n{};"),
    ],
)
def test_not_refused_where_there_is_none(tool: Tool, transaction: Transaction, sql: str) -> None:
    text = sql.format("CREATE INDEX CONCURRENTLY users_age ON users (age)")
    found = told(text, written=Written(tool=tool, transaction=transaction, schema=IN_USE))

    assert "not-in-a-transaction" not in rules(found)


def test_what_a_tool_refuses_beside_others_is_a_warning() -> None:
    file, sql = Path("V1__a.sql"), "SET lock_timeout = '2s';\nCREATE INDEX CONCURRENTLY ON users (age);"
    mixed = Migration(name="V1__a", file=file, up=Script(source=Source(file, sql)), is_mixed=True)
    found = check([Project(tool=Tool.FLYWAY, root=Path(), migrations=(mixed,))], IN_USE).findings
    (refused,) = [f for f in found if f.rule == "not-in-a-transaction"]

    assert (refused.severity, refused.position.line) == (Severity.WARNING, 2)
    assert refused.message.startswith("Flyway refuses the file unless `mixed` is on")


def test_what_fails_in_a_transaction_does_no_work_in_it() -> None:
    sql = "ALTER TABLE users ADD COLUMN a int;\nCREATE INDEX CONCURRENTLY ON orders (state);"
    found = errors(told(sql, written=Written(tool=Tool.GOLANG_MIGRATE, schema=IN_USE)))

    assert rules(found) == ["not-in-a-transaction"]


def test_locks_are_gone_with_their_transaction() -> None:
    sql = "ALTER TABLE users ADD COLUMN a int;\nUPDATE users SET a = 1;"

    assert "work-while-lock-held" not in rules(told(sql, written=Written(transaction=Transaction.NEVER, schema=IN_USE)))


@pytest.mark.parametrize(("version", "speaks"), [(140000, False), (140003, True), (140004, False), (150001, False)])
def test_index_corruption_by_version(version: int, speaks: bool) -> None:
    how = Written(transaction=Transaction.NEVER, schema=replace(IN_USE, server_version=version))

    found = rules(told("CREATE INDEX CONCURRENTLY ON users (age);", written=how))

    assert ("index-corruption" in found) == speaks


def test_an_18_has_not_null_not_valid() -> None:
    how = Written(schema=replace(IN_USE, server_version=180000))
    (found,) = errors(told("ALTER TABLE users ADD CONSTRAINT given NOT NULL seen;", written=how))

    assert found.instead is not None
    assert "ADD CONSTRAINT given NOT NULL seen NOT VALID;" in found.instead


def test_message_names_table_waiters_and_rows() -> None:
    (found,) = errors(shop("ALTER TABLE users ALTER COLUMN age TYPE bigint;"))

    assert found.message == (
        "writes all rows anew while reads and writes of public.users wait, about 10 s for each million rows: "
        "integer is not stored as bigint is."
    )


def test_an_expression_may_be_as_deep_as_it_likes() -> None:
    chain = "||".join(["email"] * 500)
    for sql in (f"ALTER TABLE users ADD CHECK ({chain} = 'x');", f"UPDATE users SET email = {chain};"):
        (found,) = [f for f in shop(sql) if f.rule in {"constraint-without-not-valid", "whole-table-write"}]

        assert found.instead is not None
    parts = "||".join(["'TRUNCATE '", *["' '"] * 1000, "'users'"])
    assert "truncate" in rules(shop(f"DO $$ BEGIN EXECUTE {parts}; END $$;"))


def test_a_foreign_key_that_is_dropped_first_is_named_in_quotes() -> None:
    made = 'CREATE TABLE posts (author bigint, CONSTRAINT "Post_key" FOREIGN KEY (author) REFERENCES users);'
    (found,) = [f for f in told(SHOP + made, "DROP TABLE posts;") if f.rule == "drop-locks-referenced"]

    assert (found.instead or "").endswith('DROP CONSTRAINT "Post_key";')


@pytest.mark.parametrize(
    ("values", "checks"),
    [
        ("1, NULL", ["(k IS NULL OR k IN (1))", "(k IS NOT NULL AND k NOT IN (1))"]),
        ("NULL", ["(k IS NULL)", "(k IS NOT NULL)"]),
        ("1, 2", ["(k IS NOT NULL AND k IN (1, 2))", "(k NOT IN (1, 2))"]),
    ],
)
def test_null_is_a_value_of_a_list_partition_like_any_other(values: str, checks: list[str]) -> None:
    made = (
        "CREATE TABLE whole (k int) PARTITION BY LIST (k); CREATE TABLE rest PARTITION OF whole DEFAULT; "
        "CREATE TABLE part (k int);"
    )
    attached = told(made, f"ALTER TABLE whole ATTACH PARTITION part FOR VALUES IN ({values});")
    (found,) = [f for f in attached if f.rule == "attach-without-check"]

    assert re.findall(r"CHECK (.*) NOT VALID", found.instead or "") == checks


def test_default_partition_makes_an_error_of_a_new_one() -> None:
    with_default = shop("CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (1) TO (9);")
    without = shop("CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200);")

    severities = [[f.severity for f in found if f.rule == "create-partition"] for found in (with_default, without)]
    assert severities == [[Severity.ERROR], [Severity.WARNING]]


def test_a_database_tells_that_a_view_has_no_unique_index() -> None:
    name = QualifiedName("public", "totals")
    read = IN_USE.put(replace(IN_USE.tables[name], oid=1))
    found = told("REFRESH MATERIALIZED VIEW CONCURRENTLY totals;", written=Written(schema=read))

    assert rules(errors(found)) == ["concurrently-not-possible"]


def test_rows_of_a_new_table_are_looked_up_once_it_has_some() -> None:
    found = shop(
        "CREATE TABLE pets (id int, owner bigint);\nINSERT INTO pets VALUES (1, 1);\n"
        "ALTER TABLE pets ADD FOREIGN KEY (owner) REFERENCES users;"
    )

    assert [(f.rule, f.position.line) for f in errors(found)] == [("table-work-behind-lock", 3)]


def test_temporary_tables_are_nobody_elses_later() -> None:
    schema = after("CREATE TEMP TABLE work (a int);")

    assert errors(told("ALTER TABLE work ADD COLUMN n serial;", written=Written(schema=schema))) == []


def test_a_dropped_table_has_nobody_wait() -> None:
    assert "work-while-lock-held" not in rules(shop("DROP TABLE notes;\nDELETE FROM users;"))


def test_one_lock_is_told_once() -> None:
    """That of the statement itself, where it keeps out as many as the earlier one does."""
    found = shop("LOCK TABLE users IN SHARE MODE;\nALTER TABLE users ALTER COLUMN age TYPE bigint;")

    assert rules(errors(found)) == ["type-change"]


def test_those_who_wait_alike_are_told_in_one_breath() -> None:
    found = shop("ALTER TABLE users ADD COLUMN a int;\nALTER TABLE orders ADD COLUMN b int;\nDELETE FROM notes;")

    assert [f.message for f in found if f.rule == "work-while-lock-held"] == [
        (
            "deletes all rows of public.notes while reads and writes of public.users and public.orders wait, "
            "about 10 s for each million rows: the locks since line 1 are kept until the end of the transaction."
        )
    ]
