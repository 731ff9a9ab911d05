"""Changes as plans that a person reads."""

from __future__ import annotations

import pytest

from crossfade.errors import InvalidPlan
from crossfade.migrations.typed import doubt_of, plan_name, plans_of
from crossfade.plan.load import parse_plan

from .reading import after, read

BEFORE = after("CREATE TABLE users (id int, age int); CREATE TYPE role AS ENUM ('a')")


def test_a_certain_change_is_a_plan() -> None:
    (found,) = read("ALTER TABLE users ADD COLUMN a text", BEFORE)
    assert doubt_of(found) == ""
    assert plans_of(found) == (
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
    (plan,) = plans_of(found)
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
    plans = [parse_plan(text, "plan.yaml") for text in plans_of(found)]
    assert [[change.kind for change in plan.changes] for plan in plans] == [["sql"], ["add_column"], ["sql"]]
    assert len({plan.name for plan in plans}) == 3


@pytest.mark.parametrize("sql", ["BEGIN", "CREATE VIEW v AS SELECT 1", "COPY users FROM STDIN"])
def test_what_no_change_does_is_no_plan(sql: str) -> None:
    (found,) = read(sql, BEFORE)
    assert plans_of(found) == ()


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"add_enum_value": {"type": '"Role"', "value": "x"}}, "add-enum-value-role"),
        ({"drop_table": {"table": '"Odd.Shop"."Üser s"'}}, "drop-table-odd-shop-ser-s"),
        ({"drop_column": {"table": "t" * 63, "column": "c"}}, "drop-column-" + "t" * 43),
    ],
)
def test_names(entry: dict[str, dict[str, str]], name: str) -> None:
    assert plan_name((entry,)) == name
    assert len(name) <= 55
