"""Statements as plans that a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.errors import InvalidPlan
from crossfade.lint.plans import plans_of
from crossfade.migrations.typed import doubt_of
from crossfade.operations.acks import ACKS
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine

from ..migrations.typed.reading import after, read
from .shop import SHOP
from .told import told

if TYPE_CHECKING:
    from ..fixtures.database import Database

BEFORE = after("CREATE TABLE users (id int, age int, name text); CREATE TYPE role AS ENUM ('a')")


def test_a_certain_change_is_a_plan() -> None:
    (found,) = read("ALTER TABLE users ADD COLUMN a text", BEFORE)
    assert doubt_of(found) == ""
    assert plans_of([found]) == (
        (
            "crossfade: 1\n"
            "name: add-column-users-a\n"
            "\n"
            "changes:\n"
            "  - add_column:\n"
            "      table: users\n"
            "      name: a\n"
            "      type: text\n"
        ),
    )


def test_a_doubtful_one_says_both_readings_and_does_not_run() -> None:
    (found,) = read("ALTER TABLE users DROP COLUMN age, ADD COLUMN years int", BEFORE)
    (plan,) = plans_of([found])
    assert plan == (
        "crossfade: 1\n"
        "name: rename-column-users-age-years\n"
        "\n"
        "changes:\n"
        "  # The migration leaves open what is meant. Here: column age of users gets the name years, and keeps its "
        "values.\n"
        "  # Nothing runs before a person has said so: write `intent: confirmed` if it is meant so.\n"
        "  #\n"
        "  # Or: the values of age are not needed any more, and years is another column. Then it is this instead:\n"
        "  #\n"
        "  #   - add_column:\n"
        "  #       table: users\n"
        "  #       name: years\n"
        "  #       type: integer\n"
        "  #   - drop_column:\n"
        "  #       table: users\n"
        "  #       column: age\n"
        "  - rename_column:\n"
        "      table: users\n"
        "      from: age\n"
        "      to: years\n"
        "      intent: unconfirmed\n"
    )
    with pytest.raises(InvalidPlan, match="a guess"):
        parse_plan(plan, "plan.yaml")
    parse_plan(plan.replace("intent: unconfirmed", "intent: confirmed"), "plan.yaml")


def test_what_is_done_in_turn_is_several_plans() -> None:
    (found,) = read("ALTER TABLE users ADD COLUMN n serial", BEFORE)
    plans = [parse_plan(text, "plan.yaml") for text in plans_of([found])]
    assert [[change.kind for change in plan.changes] for plan in plans] == [["sql"], ["add_column"], ["sql"]]
    assert len({plan.name for plan in plans}) == 3


@pytest.mark.parametrize("sql", ["BEGIN", "CREATE VIEW v AS SELECT 1", "COPY users FROM STDIN"])
def test_what_no_change_does_is_no_plan(sql: str) -> None:
    (found,) = read(sql, BEFORE)
    assert plans_of([found]) == ()


@pytest.mark.parametrize(
    ("parts", "kinds"),
    [
        ("ADD CHECK (age > 0), ADD CHECK (id > 0)", [["add_check", "add_check"]]),
        ("DROP COLUMN age, DROP COLUMN name", [["drop_column", "drop_column"]]),
        ("ADD COLUMN a int, ADD CHECK (a > 0), ALTER name SET NOT NULL", [["add_column", "add_check", "set_not_null"]]),
        (
            "ALTER age SET NOT NULL, ADD CHECK (id > 0), ALTER age TYPE text",
            [["set_not_null", "add_check"], ["change_type"]],
        ),
        ("ADD CHECK (id > 0), ADD COLUMN n serial", [["add_check"], ["sql"], ["add_column"], ["sql"]]),
    ],
)
def test_parts_of_a_statement_are_one_plan_where_no_column_is_in_two(parts: str, kinds: list[list[str]]) -> None:
    plans = [parse_plan(text, "plan.yaml") for text in plans_of(read(f"ALTER TABLE users {parts}", BEFORE))]
    assert [[change.kind for change in plan.changes] for plan in plans] == kinds


def test_several_plans_say_that_they_are_several_files() -> None:
    first, second = plans_of(read("ALTER TABLE users ALTER age SET NOT NULL, ALTER age TYPE bigint", BEFORE))
    assert first.startswith("# Plan 1 of 2, each in a file of its own.\n\ncrossfade: 1\nname: set-not-null-users-age\n")
    assert second.startswith("# Plan 2 of 2, each in a file of its own, for when the one before is contracted.\n")


TOGETHER = [
    "DROP COLUMN age, DROP COLUMN name",
    "ADD COLUMN a int, ADD CHECK (a > 0), ALTER name SET NOT NULL",
    "ALTER id TYPE bigint, ALTER age TYPE bigint, ADD UNIQUE (name)",
]


def test_a_database_takes_what_is_in_one_plan(database: Database) -> None:
    database.execute("CREATE TABLE users (id int, age int, name text)")
    for parts in TOGETHER:
        (text,) = plans_of(read(f"ALTER TABLE users {parts}", BEFORE))
        with Engine(database.url) as engine:
            assert engine.explain(parse_plan(text, "plan.yaml"), ACKS).program.steps


@pytest.mark.parametrize(
    ("rule", "sql", "planned"),
    [
        ("rename-column", "ALTER TABLE users RENAME age TO years;", True),
        ("rename-column", "ALTER MATERIALIZED VIEW totals RENAME n TO number;", False),
        ("rename-table", "ALTER TABLE users RENAME TO people;", True),
        ("rename-table", "ALTER TABLE totals RENAME TO sums;", False),
        ("foreign-key-without-index", "ALTER TABLE notes ADD FOREIGN KEY (n) REFERENCES users;", False),
        ("foreign-key-type-mismatch", "ALTER TABLE notes ADD FOREIGN KEY (n) REFERENCES users;", False),
        ("foreign-key-without-not-valid", "ALTER TABLE notes ADD FOREIGN KEY (n) REFERENCES users;", True),
        ("hash-index", "CREATE INDEX ON users USING hash (age);", False),
        ("exclusion-constraint", "ALTER TABLE users ADD EXCLUDE (age WITH =);", False),
        ("drop-and-create-table", "DROP TABLE notes; CREATE TABLE notes (id int);", False),
        ("rename-column", "SAVEPOINT a; ALTER TABLE users RENAME age TO years; ROLLBACK TO a;", False),
        ("rename-column", "SAVEPOINT a; ALTER TABLE users RENAME age TO years; RELEASE a;", True),
        ("rename-column", "COMMIT; BEGIN; ALTER TABLE users RENAME age TO years; ROLLBACK;", False),
    ],
)
def test_a_plan_is_told_where_it_does_without_what_was_found(rule: str, sql: str, planned: bool) -> None:
    made = SHOP.replace("CREATE UNIQUE INDEX notes_n ON notes (n);", "")
    (found,) = [f for f in told(made, sql) if f.rule == rule]

    assert (found.plan is not None) == planned
