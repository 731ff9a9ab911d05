"""What a good plan becomes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import InvalidPlan
from crossfade.plan.apps import App
from crossfade.plan.changes import CopyRows, DeleteRows, RenameColumn, UpdateRows
from crossfade.plan.expressions import Expression
from crossfade.plan.gates import Approval, AppVersion, LegacyWrites, Strangers
from crossfade.plan.load import load_plan, parse_plan
from crossfade.plan.model import Plan
from crossfade.plan.names import TableName

from .bad_plans import GOOD, ROSTER
from .good_plans import DATA_PLAN, FULL, PLANS

if TYPE_CHECKING:
    from pathlib import Path


def renames(plan: Plan) -> list[RenameColumn]:
    return [change for change in plan.changes if isinstance(change, RenameColumn)]


def test_every_option_reaches_the_plan() -> None:
    plan = parse_plan(FULL, "p.yaml")

    assert plan.name == "users-email-address"
    assert plan.description == "The column holds an address, so call it one."
    assert plan.apps is not None
    api = plan.apps["api"]
    assert (api.scheme, api.new, api.ttl, api.expect) == ("semver", ">=2.0.0 <3", timedelta(seconds=90), 3)
    assert (api.sources, api.roles) == (("heartbeat", "activity"), ("api_ro", "api_rw"))
    assert [(i.role, i.application_name, i.address) for i in plan.ignore] == [
        ("dba_*", "psql*", None),
        ("metabase", None, None),
        (None, None, "10.20.0.0/16"),
        (None, None, "local"),
    ]
    assert api.new_range.admits("2.9.9")
    assert not plan.apps["web"].new_range.admits("blue")
    first, second = renames(plan)
    assert first.table == TableName("shop", "users")
    assert (first.from_, first.to, first.note) == ("email", "email_address", "reviewed")
    assert second.table == TableName("Odd.Schema", 'My "Own" Table')
    assert second.from_ == 'a"b'
    assert second.to == "; DROP TABLE users; --"
    assert (plan.backfill.batch_rows, plan.backfill.target) == (500, timedelta(milliseconds=250))
    (by_two,) = plan.gates.of("expand")
    assert isinstance(by_two, Approval)
    assert (by_two.role, by_two.count, by_two.four_eyes, by_two.expires) == ("dba", 2, False, timedelta(days=1))
    assert plan.gates.of("backfill") == ()
    assert plan.gates.of("contract") == (
        Approval(role="release-coordinator", mode="observe"),
        AppVersion(apps=("api", "web")),
        LegacyWrites(),
        Strangers(mode="observe"),
    )
    assert (plan.locks.timeout, plan.locks.give_up_after) == (timedelta(milliseconds=20), timedelta(hours=1))
    assert (plan.hold, plan.retain) == (timedelta(minutes=15), timedelta(days=7))


def test_every_option_of_a_change_of_rows_reaches_the_plan() -> None:
    updated, every_row, emptied, deleted, listed, mapped = parse_plan(DATA_PLAN, "p.yaml").changes

    assert isinstance(updated, UpdateRows)
    assert {c: e.sql for c, e in updated.set.items()} == {
        "email": "lower(email)",
        'Größe "in" %': "'100 %'",
        "active": "true",
    }
    assert updated.where == Expression.parse("email <> lower(email)  -- or NULL")
    assert (updated.tables, updated.note) == ((TableName("shop", "users"),), "reviewed")
    assert isinstance(every_row, UpdateRows)
    assert every_row.where is None
    assert isinstance(emptied, DeleteRows)
    assert emptied.archive_to == TableName("Odd.Schema", 'My "Own" Table')
    assert emptied.tables == (TableName(None, "users"), emptied.archive_to)
    assert isinstance(deleted, DeleteRows)
    assert deleted.archive_to is None
    assert isinstance(listed, CopyRows)
    assert {c: e.columns for c, e in listed.columns.items()} == {"id": ("id",), "user": ("user",), 'a"b': ('a"b',)}
    assert (listed.tables, listed.on_conflict) == ((TableName(None, "users"), TableName("shop", "people")), "skip")
    assert isinstance(mapped, CopyRows)
    assert {c: e.text for c, e in mapped.columns.items()} == {"id": "id", "address": "coalesce(email, '')"}
    assert (mapped.on_conflict, mapped.where) == ("update", Expression.parse("active"))


def test_the_places_of_expressions_are_known() -> None:
    changes = parse_plan(DATA_PLAN, "p.yaml").changes

    assert [
        place for c in changes if isinstance(c, UpdateRows | DeleteRows | CopyRows) for place, _ in c.expressions
    ] == [
        *("set.email", 'set.Größe "in" %', "set.active", "where", "set.seen"),
        *("where", "where", "columns.id", "columns.user", 'columns.a"b'),
        *("columns.id", "columns.address", "where"),
    ]


def test_the_defaults_are_those_of_the_format() -> None:
    plan = parse_plan(ROSTER, "p.yaml")

    assert plan.apps == {"api": App(scheme="semver", new=">=2.0.0")}
    app = plan.apps["api"]
    assert (app.sources, app.ttl, app.expect) == (("heartbeat", "activity"), timedelta(seconds=60), None)
    assert (plan.backfill.batch_rows, plan.backfill.target) == (1000, timedelta(milliseconds=50))
    assert (plan.locks.timeout, plan.locks.give_up_after) == (timedelta(milliseconds=50), timedelta(minutes=5))
    assert (plan.hold, plan.retain, plan.description) == (timedelta(minutes=10), timedelta(0), None)
    assert parse_plan(GOOD, "p.yaml").apps is None


@pytest.mark.parametrize("path", PLANS, ids=lambda p: p.name)
def test_the_ready_plans_are_good(path: Path) -> None:
    assert isinstance(load_plan(path), Plan)


def test_a_plan_comes_back_from_its_json_form() -> None:
    for text in (FULL, DATA_PLAN, GOOD, ROSTER):
        plan = parse_plan(text, "p.yaml")
        assert Plan.from_json(plan.as_json()) == plan


def test_the_json_form_has_kinds_as_keys_and_durations_as_texts() -> None:
    document = parse_plan(FULL, "p.yaml").as_json()

    assert document["changes"][1] == {
        "rename_column": {
            "table": '"Odd.Schema"."My ""Own"" Table"',
            "from": 'a"b',
            "to": "; DROP TABLE users; --",
            "strategy": "copy",
        }
    }
    assert document["gates"]["contract"][2] == {"legacy_writes": {"mode": "enforce", "timeout": "5s"}}
    assert (document["hold"], document["apps"]["api"]["ttl"], document["retain"]) == ("15m", "90s", "7d")


def test_a_plan_cannot_be_changed() -> None:
    plan = parse_plan(GOOD, "p.yaml")
    with pytest.raises(ValueError, match="frozen"):
        plan.name = "other"


@pytest.mark.parametrize(
    ("table", "parsed"),
    [
        ("users", TableName(None, "users")),
        ("Shop.Users", TableName("Shop", "Users")),
        ("my table", TableName(None, "my table")),
        ("'\"a.b\"'", TableName(None, "a.b")),
        ("'\"a\".b'", TableName("a", "b")),
        ("'a.\"B c\"'", TableName("a", "B c")),
        ("'\" x \"'", TableName(None, " x ")),
        ("Größe.表", TableName("Größe", "表")),
        ("x" * 63, TableName(None, "x" * 63)),
    ],
)
def test_a_table_name_is_read_as_written(table: str, parsed: TableName) -> None:
    plan = parse_plan(GOOD.replace("table: users", f"table: {table}"), "p.yaml")

    assert plan.changes[0].tables == (parsed,)
    assert TableName.parse(str(parsed)) == parsed


def test_words_that_older_yaml_took_for_truth_are_texts() -> None:
    plan = parse_plan(GOOD.replace("from: email, to: email_address", "from: on, to: no"), "p.yaml")

    [change] = renames(plan)
    assert (change.from_, change.to) == ("on", "no")


def test_a_small_alias_is_fine() -> None:
    plan = parse_plan(GOOD + "hold: &long 20m\nretain: *long\n", "p.yaml")

    assert plan.hold == plan.retain == timedelta(minutes=20)


def test_windows_line_ends_and_a_json_file_are_fine() -> None:
    plan = parse_plan(GOOD, "p.yaml")
    assert parse_plan(GOOD.replace("\n", "\r\n"), "p.yaml") == plan
    document = (
        '{"crossfade": 1, "name": "users-email", "changes": '
        '[{"rename_column": {"table": "users", "from": "email", "to": "email_address"}}]}'
    )
    assert parse_plan(document, "p.json") == plan


def test_a_rename_is_built_from_the_keys_of_the_file() -> None:
    change = RenameColumn.model_validate({"table": "users", "from": "a", "to": "b"})

    assert (str(change.table), change.from_, change.to, change.strategy) == ("users", "a", "b", "copy")


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? "])
def test_a_megabyte_of_openings_is_refused_without_reading_it_all(opening: str) -> None:
    with pytest.raises(InvalidPlan, match="nested more than"):
        parse_plan(opening * (900_000 // len(opening)), "p.yaml")


def test_surrogate_pairs_of_json_are_the_character_they_mean() -> None:
    plan = parse_plan(GOOD.replace("to: email_address", 'to: "\\ud83d\\ude00"'), "p.yaml")

    assert renames(plan)[0].to == "\N{GRINNING FACE}"
