"""A migration in two files, and the plan that names both."""

from __future__ import annotations

from hashlib import sha256

import pytest

from crossfade.migrations.imported import Whole, halves
from crossfade.migrations.migration import Tool

from .reading import imports, plans

USERS = "CREATE TABLE users (id int PRIMARY KEY, name text, age int); CREATE TABLE teams (id int PRIMARY KEY);"


@pytest.mark.parametrize(
    ("sql", "first", "second"),
    [
        (
            "ALTER TABLE users DROP COLUMN name, ADD COLUMN full_name text;",
            "ALTER TABLE users ADD COLUMN full_name text;\n",
            "ALTER TABLE users DROP COLUMN name;\n",
        ),
        (
            "ALTER TABLE users ADD COLUMN team int NOT NULL;",
            "ALTER TABLE users ADD COLUMN team integer;\n",
            "ALTER TABLE users ALTER COLUMN team SET NOT NULL;\n",
        ),
        (
            "ALTER TABLE users DROP COLUMN age; CREATE TABLE notes (by int REFERENCES users (id), n serial);",
            "CREATE TABLE notes (by integer REFERENCES users (id), n serial);\n",
            "ALTER TABLE users DROP COLUMN age;\n",
        ),
        (
            "CREATE TABLE notes (by int); CREATE UNIQUE INDEX notes_by ON notes (by); DROP TABLE teams;",
            "CREATE TABLE notes (by integer);\nCREATE UNIQUE INDEX notes_by ON notes (by);\n",
            "DROP TABLE teams;\n",
        ),
    ],
)
def test_what_an_old_version_can_live_with_comes_first(sql: str, first: str, second: str) -> None:
    *_, one = imports(USERS, sql, parted=halves)
    assert [half.text.replace(" USING btree", "") for half in one.halves] == [first, second]


def test_the_plan_names_both_and_the_next_one_stands_behind_the_second() -> None:
    _, one, after = imports(
        USERS,
        "ALTER TABLE users DROP COLUMN name, ADD COLUMN full_name int;",
        "ALTER TABLE users ADD COLUMN x int;",
        tool=Tool.PRISMA,
        parted=halves,
    )
    (last,) = plans([after])
    assert [(half.entry.name, half.recorded, half.path.as_posix()) for half in one.halves] == [
        ("m2_1_expand", "expand", "m2_1_expand/migration.sql"),
        ("m2_2_contract", "contract", "m2_2_contract/migration.sql"),
    ]
    assert [half.entry.after for half in one.halves] == ["m1", "m2_1_expand"]
    assert [half.entry.checksum for half in one.halves] == [sha256(h.text.encode()).hexdigest() for h in one.halves]
    (covered,) = last.migrations or ()
    assert (covered.name, covered.after) == ("m3", "m2_2_contract")


@pytest.mark.parametrize(
    ("tool", "sql", "because"),
    [
        (
            Tool.PRISMA,
            "CREATE TABLE a (id int PRIMARY KEY); ALTER TABLE a ADD CONSTRAINT c CHECK (id > 0);",
            "an old version can live with all of it",
        ),
        (Tool.PRISMA, "ALTER TABLE users ALTER COLUMN age TYPE bigint;", "an old version can live with nothing of it"),
        (
            Tool.PRISMA,
            "BEGIN; ALTER TABLE users ADD COLUMN x int; ALTER TABLE users DROP COLUMN name; COMMIT;",
            "it says itself what runs together: BEGIN",
        ),
        (
            Tool.PRISMA,
            "ALTER TABLE users DROP COLUMN age, ADD COLUMN age text;",
            "`ALTER TABLE users ADD COLUMN age text` cannot run before `ALTER TABLE users DROP COLUMN age`",
        ),
        (Tool.PRISMA, "DROP INDEX users_name; CREATE INDEX users_name ON users (name, age);", "cannot run before"),
        (
            Tool.PRISMA,
            "ALTER TABLE users DROP CONSTRAINT users_pkey; CREATE TABLE x (id int REFERENCES users);",
            "cannot run before",
        ),
        (
            Tool.PRISMA,
            "ALTER TABLE users DROP COLUMN age, ADD COLUMN years int CHECK (years > 0);",
            "cannot run before",
        ),
        (
            Tool.PRISMA,
            "ALTER TABLE users RENAME COLUMN age TO years; CREATE INDEX i ON users (years);",
            "cannot run before",
        ),
        (
            Tool.PRISMA,
            "DROP TABLE teams; CREATE TABLE teams (id int, size int);",
            "it is 2 plans, the last of which writes its row",
        ),
        (
            Tool.PRISMA,
            "CREATE EXTENSION pg_trgm; CREATE INDEX i ON users USING gin (name gin_trgm_ops);",
            "it is 2 plans, the last of which writes its row",
        ),
        (
            Tool.PRISMA,
            "ALTER TABLE users DROP COLUMN age; ALTER TABLE users RENAME TO people; CREATE TABLE users (id int);",
            "it is 3 plans, the last of which writes its row",
        ),
        (Tool.PRISMA, "DROP TYPE mood; CREATE TYPE mood AS ENUM ('ok');", "cannot run before"),
        (
            Tool.PRISMA,
            "ALTER TYPE mood ADD VALUE 'ok'; ALTER TABLE users ADD COLUMN m mood DEFAULT 'ok';",
            "it is 2 plans, the last of which writes its row",
        ),
        (
            Tool.PRISMA,
            "INSERT INTO users SELECT * FROM teams; ALTER TABLE teams ADD COLUMN size int;",
            "it is 2 plans, the last of which writes its row",
        ),
        (
            Tool.SQITCH,
            "ALTER TABLE users DROP COLUMN name, ADD COLUMN full_name int;",
            "its tool cannot take two files for one",
        ),
    ],
)
def test_what_cannot_be_parted_stays_one(tool: Tool, sql: str, because: str) -> None:
    *_, one = imports(USERS, sql, tool=tool, parted=halves)
    assert one.halves == ()
    assert because in one.whole


def test_a_table_is_new_from_its_create_table_on() -> None:
    *_, one = imports(
        USERS, "ALTER TABLE users DROP COLUMN age; ALTER TABLE users RENAME TO people; CREATE TABLE users (id int);"
    )
    found = halves(one.origin)
    assert isinstance(found, Whole)
    assert "cannot run before" in found.because
