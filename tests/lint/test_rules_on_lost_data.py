"""Rules about values and rows that a migration loses, and about enums that cannot become what it makes of them."""

from __future__ import annotations

import pytest

from crossfade.lint.finding import Severity
from crossfade.migrations.migration import Tool, Transaction

from .one_rule import SHOP, Files, instead, messages, said

LOST_COLUMNS = [
    ("ALTER TABLE users DROP name, ADD full_name text", "if that is the same column by another name"),
    ("ALTER TABLE users DROP name, ADD full_name varchar(50) NOT NULL", "drops public.users.name and adds full_name"),
    ("ALTER TABLE users ADD full_name text; ALTER TABLE users DROP name", "adds full_name"),
    ("ALTER TABLE users DROP name, ADD name integer", "adds it again as integer"),
    ("ALTER TABLE users DROP name, ADD name text[]", "adds it again as text[]"),
    ('ALTER TABLE users DROP age, DROP name, ADD "fullName" text, ADD years int', "adds years"),
    ("DO $$ BEGIN ALTER TABLE users DROP name, ADD full_name text; END $$", "adds full_name"),
]
KEPT_COLUMNS = [
    "ALTER TABLE users DROP age, ADD country text",
    "ALTER TABLE users DROP age, ADD number int GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE users ADD full_name text; UPDATE users SET full_name = name; ALTER TABLE users DROP name",
    "CREATE TABLE old AS SELECT id, name FROM users; ALTER TABLE users DROP name, ADD name int",
    "ALTER TABLE users DROP name; ALTER TABLE posts ADD name text",
    "ALTER TABLE users ADD a text; ALTER TABLE users DROP a, ADD b text",
    "CREATE TABLE t (a int); ALTER TABLE t DROP a, ADD b int",
]
POSTS_AGAIN = "CREATE TABLE articles (author integer, id bigint PRIMARY KEY)"
LOST_TABLES = [
    (f"DROP TABLE posts; {POSTS_AGAIN}", "makes public.articles with the same columns"),
    (f"{POSTS_AGAIN}; DROP TABLE posts", "makes public.articles with the same columns"),
    ("DROP TABLE posts; CREATE TABLE posts (id int)", "drops public.posts and makes it again"),
    ("DROP TABLE IF EXISTS posts CASCADE; CREATE TABLE posts (id int)", "drops public.posts and makes it again"),
    ("DROP TABLE IF EXISTS other; CREATE TABLE other (id int)", "drops public.other where it is there"),
]
KEPT_TABLES = [
    "DROP TABLE posts; CREATE TABLE other (id bigint)",
    f"{POSTS_AGAIN}; INSERT INTO articles SELECT author, id FROM posts; DROP TABLE posts",
    f"{POSTS_AGAIN}; INSERT INTO articles TABLE posts; DROP TABLE posts; ALTER TABLE articles RENAME TO posts",
    "DROP TABLE IF EXISTS nothing",
    "CREATE TABLE t (a int); DROP TABLE t; CREATE TABLE t (a int)",
]
USED = [
    "INSERT INTO users (email, role) VALUES ('a', 'OWNER')",
    "INSERT INTO users (email, role) SELECT email, 'OWNER' FROM users",
    "UPDATE users SET role = 'OWNER'",
    "UPDATE users SET role = CASE WHEN age > 1 THEN 'OWNER' ELSE role END",
    "DELETE FROM users WHERE role = 'OWNER'",
    "SELECT 'OWNER'::public.role",
    "ALTER TABLE users ALTER role SET DEFAULT 'OWNER'",
    "ALTER TABLE users ADD second role DEFAULT 'OWNER'",
    "ALTER TABLE users ADD CHECK (role IN ('OWNER', 'USER'))",
    "CREATE TABLE t (r role DEFAULT 'OWNER')",
    "CREATE INDEX ON users (id) WHERE role = 'OWNER'",
]
NOT_USED = [
    "INSERT INTO users (email, name) VALUES ('OWNER', 'OWNER')",
    "UPDATE users SET name = 'OWNER' WHERE role = 'USER'",
    "SELECT 'OWNER'::text",
    "UPDATE posts SET author = 1",
    "ALTER TYPE role ADD VALUE 'GUEST' BEFORE 'OWNER'",
    "COMMENT ON TYPE role IS 'OWNER'",
]
ADDED = "ALTER TYPE role ADD VALUE 'OWNER';"
PRISMA = """
CREATE TYPE "role_new" AS ENUM ({values});
ALTER TABLE users ALTER role TYPE "role_new" USING (role::text::"role_new");
ALTER TYPE role RENAME TO "role_old";
ALTER TYPE "role_new" RENAME TO role;
DROP TYPE "role_old";
"""
DRIZZLE = """
ALTER TABLE users ALTER role TYPE text;
DROP TYPE "public"."role";
CREATE TYPE "public"."role" AS ENUM({values});
ALTER TABLE users ALTER role TYPE "public"."role" USING role::"public"."role";
"""


@pytest.mark.parametrize(("sql", "words"), LOST_COLUMNS)
def test_a_column_that_goes_and_one_like_it_that_comes(sql: str, words: str) -> None:
    found = said("drop-and-add-column", Files(up=(SHOP, sql)))

    assert {severity for severity, _, _ in found} == {Severity.ERROR}
    assert any(words in s.message for _, _, s in found)


@pytest.mark.parametrize("sql", KEPT_COLUMNS)
def test_a_column_whose_values_are_kept_or_that_has_no_heir(sql: str) -> None:
    assert messages("drop-and-add-column", SHOP, sql) == []


def test_each_new_column_stands_for_one_old_one() -> None:
    sql = "ALTER TABLE users DROP email, DROP name, ADD full_name text, ADD e_mail text"
    found = messages("drop-and-add-column", SHOP, sql)

    assert [m.split(":")[0] for m in found] == [
        "drops public.users.email and adds e_mail",
        "drops public.users.name and adds full_name",
    ]


def test_of_a_column_that_no_file_makes_it_is_a_warning() -> None:
    ((severity, _, _),) = said("drop-and-add-column", Files(up=("ALTER TABLE users DROP name, ADD full_name text",)))

    assert severity is Severity.WARNING


def test_both_readings_are_shown() -> None:
    assert instead("drop-and-add-column", SHOP, LOST_COLUMNS[0][0]) == (
        "-- if it is the same column\nALTER TABLE users RENAME COLUMN name TO full_name;\n"
        "-- if it is not: drop name in a migration of its own"
    )
    assert "A second column of type integer" in (instead("drop-and-add-column", SHOP, LOST_COLUMNS[3][0]) or "")


@pytest.mark.parametrize(("sql", "words"), LOST_TABLES)
def test_a_table_that_goes_and_one_like_it_that_comes(sql: str, words: str) -> None:
    (message,) = messages("drop-and-create-table", SHOP.replace(" REFERENCES users", ""), sql)

    assert words in message


@pytest.mark.parametrize("sql", KEPT_TABLES)
def test_a_table_whose_rows_are_kept_or_that_has_no_heir(sql: str) -> None:
    assert messages("drop-and-create-table", SHOP, sql) == []


def test_a_table_that_moves_gets_its_schema_and_its_name() -> None:
    shown = instead(
        "drop-and-create-table", 'CREATE TABLE "a.b" (x int)', 'DROP TABLE "a.b"; CREATE TABLE s."c.d" (x int)'
    )

    assert (shown or "").splitlines()[1:3] == [
        'ALTER TABLE public."a.b" SET SCHEMA s;',
        'ALTER TABLE s."a.b" RENAME TO "c.d";',
    ]


@pytest.mark.parametrize("sql", USED)
def test_a_new_value_used_in_its_own_transaction(sql: str) -> None:
    (message,) = messages("enum-value-used-at-once", SHOP, f"{ADDED} {sql}")

    assert "55P04" in message
    assert messages("enum-value-used-at-once", SHOP, f"{ADDED} {sql}", transaction=Transaction.NEVER) == []
    assert messages("enum-value-used-at-once", SHOP, ADDED, sql) == []


@pytest.mark.parametrize(
    ("tool", "told"), [(Tool.DRIZZLE, 1), (Tool.DRIZZLE_1, 1), (Tool.NODE_PG_MIGRATE, 1), (Tool.PRISMA, 0)]
)
def test_pending_migrations_of_some_tools_are_one_transaction(tool: Tool, told: int) -> None:
    found = said("enum-value-used-at-once", Files(up=(SHOP, ADDED, "SELECT 1", USED[0]), tool=tool))

    assert [(severity, name) for severity, name, _ in found] == [(Severity.WARNING, "0003")] * told


def test_a_value_may_be_used_once_it_is_committed() -> None:
    sql = f"BEGIN; {ADDED} COMMIT; {USED[0]}; BEGIN; {USED[0]}; COMMIT"

    assert messages("enum-value-used-at-once", SHOP, sql, transaction=Transaction.NEVER) == []


@pytest.mark.parametrize("sql", NOT_USED)
def test_the_same_letters_are_not_the_value(sql: str) -> None:
    assert messages("enum-value-used-at-once", SHOP, f"{ADDED} {sql}") == []


@pytest.mark.parametrize(("version", "told"), [(140000, 1), (160000, 1), (170000, 0), (180000, 0)])
def test_a_type_of_the_same_transaction_is_enough_from_17_on(version: int, told: int) -> None:
    sql = "CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood ADD VALUE 'b'; CREATE TABLE t (m mood DEFAULT 'b')"

    assert len(said("enum-value-used-at-once", Files(up=(sql,), version=version))) == told


@pytest.mark.parametrize("form", [PRISMA, DRIZZLE])
def test_an_enum_built_anew_without_a_value(form: str) -> None:
    removed = messages("enum-rebuilt", SHOP, form.format(values="'USER'"))
    renamed = instead("enum-rebuilt", SHOP, form.format(values="'USER', 'ROOT'"))
    kept = messages("enum-rebuilt", SHOP, form.format(values="'ADMIN', 'USER', 'ROOT'"))

    assert [m.split(":")[0] for m in removed] == ["builds the enum public.role anew without 'ADMIN'"]
    assert "ALTER TYPE public.role RENAME VALUE 'ADMIN' TO 'ROOT';" in (renamed or "")
    assert kept == []


def test_values_are_shown_as_sql_spells_them() -> None:
    made = "CREATE TYPE mood AS ENUM ('it''s', 'b'); CREATE TABLE t (m mood)"
    built = "CREATE TYPE m AS ENUM ('b', 'o''k'); DROP TYPE mood; ALTER TYPE m RENAME TO mood"
    renamed = instead("rename-enum-value", made, "ALTER TYPE mood RENAME VALUE 'it''s' TO 'o''k'")

    assert (renamed or "").endswith("\nALTER TYPE mood ADD VALUE 'o''k' AFTER 'it''s';")
    assert (instead("enum-rebuilt", made, built) or "").endswith("RENAME VALUE 'it''s' TO 'o''k';")
    assert "'o''k'" in (instead("enum-value-order", made, "ALTER TYPE mood ADD VALUE 'o''k'") or "")


def test_values_are_followed_through_the_files() -> None:
    more = "ALTER TYPE role ADD VALUE 'GUEST' BEFORE 'USER'; ALTER TYPE role RENAME VALUE 'ADMIN' TO 'ROOT'"
    (message,) = messages("enum-rebuilt", SHOP, more, PRISMA.format(values="'USER'"))

    assert "without 'GUEST' and 'ROOT'" in message
