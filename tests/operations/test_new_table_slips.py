"""A slip in a new table is found by `check`, at the field that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.errors import InvalidPlan
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database


def plan(*fields: str) -> Plan:
    entry = "".join(f"      {field}\n" for field in fields)
    return parse_plan(f"crossfade: 1\nname: slip\nchanges:\n  - create_table:\n      name: n\n{entry}", "plan.yaml")


A_AND_J = "columns: {a: {type: int}, j: {type: json}}"
SLIPS = {
    ("columns: {a: {type: int, default: now()}, b: {type: int}}",): "columns.a",
    ("columns: {a: {type: int}, b: {type: intt}}", "primary_key: [b]"): "columns.b",
    ("columns: {a: {type: int}, b: {type: int, generated: {expression: lower(a), kind: stored}}}",): "columns.b",
    ("columns: {a: {type: int}, b: {type: int, check: a || b > 0}}",): "columns.b",
    ("columns: {a: {type: int, collation: C}, b: {type: text}}",): "columns.a",
    (A_AND_J, "primary_key: [a, j]"): "primary_key",
    (A_AND_J, "constraints: [{name: f, check: a > 0}, {name: c, check: lower(a) > 'b'}]"): "constraints.c",
    (A_AND_J, "constraints: [{name: c, unique: [j]}]"): "constraints.c",
    (A_AND_J, "indexes: [{name: f, columns: [a]}, {name: i, columns: [j]}]"): "indexes.i",
    (A_AND_J, "indexes: [{name: i, columns: [a], method: nosuch}]"): "indexes.i",
    (A_AND_J, "indexes: [{name: i, columns: [a], where: lower(a) > 'b'}]"): "indexes.i",
    (A_AND_J, "grants: {public: [select], ghost: [select]}"): "grants.ghost",
    ("columns: {a: {type: int, check: a > 0}}", "constraints: [{name: n_a_check, check: a > 1}]"): "",
}


def test_what_the_server_would_refuse_is_told_with_its_field(database: Database) -> None:
    with Engine(database.url) as engine:
        found = {fields: engine.check(plan(*fields)).refusals for fields in SLIPS}
    told = {fields: [refusal.object for refusal in refusals] for fields, refusals in found.items()}
    assert told == {
        fields: [f"{field} of create_table public.n".removeprefix(" of ")] for fields, field in SLIPS.items()
    }
    assert all("crossfade" not in refusal.message for refusals in found.values() for refusal in refusals)


def test_a_foreign_key_to_the_new_table_itself_is_tried(database: Database) -> None:
    columns = "columns: {id: {type: int}, of: {type: TYPE, references: {table: n}}}"
    with Engine(database.url) as engine:
        wrong = engine.check(plan(columns.replace("TYPE", "text"), "primary_key: [id]")).refusals
        right = engine.check(plan(columns.replace("TYPE", "int"), "primary_key: [id]")).refusals
    assert right == ()
    (refusal,) = wrong
    assert refusal.object == "create_table public.n"
    assert 'foreign key constraint "n_of_fkey" cannot be implemented' in refusal.message


def test_a_unique_constraint_has_an_index_of_its_name(database: Database) -> None:
    database.execute("CREATE VIEW c AS SELECT 1")
    with Engine(database.url) as engine:
        refusals = engine.check(plan(A_AND_J, "constraints: [{name: c, unique: [a]}]")).refusals
    assert [(r.code, r.object) for r in refusals] == [("name_taken", "public.c")]


def test_what_two_new_tables_have_has_two_names(database: Database) -> None:
    entry = "create_table: {{name: {}, columns: {{a: {{type: int}}}}, {}}}"
    ones = ("indexes: [{name: i, columns: [a]}]", "constraints: [{name: i, unique: [a]}]")
    with Engine(database.url) as engine:
        for one in ones:
            listed = f"  - {entry.format('n', ones[0])}\n  - {entry.format('m', one)}\n"
            refusals = engine.check(parse_plan(f"crossfade: 1\nname: slip\nchanges:\n{listed}", "plan.yaml")).refusals
            assert [(r.code, r.object) for r in refusals] == [("name_taken", "public.i")]


@pytest.mark.parametrize(
    ("field", "column", "holder"),
    [
        ("constraints: [{name: c, check: a > 0}, {name: c, unique: [a]}]", 53, "constraints[0] has the name `c`"),
        (
            "constraints: [{name: c, check: a > 0}, {name: c, foreign_key: {columns: [a], table: t}}]",
            53,
            "has the name `c`",
        ),
        ("indexes: [{name: i, columns: [a]}, {name: i, columns: [j]}]", 49, "indexes[0] has the name `i`"),
        ("indexes: [{name: n, columns: [a]}]", 24, "the table has the name `n`"),
        ("constraints: [{name: n, unique: [a]}]", 28, "the table has the name `n`"),
    ],
)
def test_a_name_is_had_once(field: str, column: int, holder: str) -> None:
    with pytest.raises(InvalidPlan) as raised:
        plan(A_AND_J, field)
    (problem,) = raised.value.problems
    assert (problem.line, problem.column) == (7, column)
    assert problem.message.endswith(holder)


def test_names_of_constraints_that_need_no_index_are_their_own() -> None:
    assert plan(
        A_AND_J, "constraints: [{name: n, check: a > 0}, {name: i, check: a > 1}]", "indexes: [{name: i, columns: [a]}]"
    )
