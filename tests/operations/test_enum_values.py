"""Enums that lose values, or have one renamed: what is refused by name, and that nothing is lost on the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.errors import InvalidPlan, WouldDiscard
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

ENUM = "CREATE TYPE mood AS ENUM ('sad', 'numb', 'lost', 'happy');"
PEOPLE = f"{ENUM} CREATE TABLE people (id int PRIMARY KEY, mood mood, before mood, note text);"
REMOVE = "remove_enum_values: {type: mood, map: {numb: sad, lost: null}}"
RENAME = "rename_enum_value: {type: mood, from: sad, to: blue}"


def plan(*changes: str) -> Plan:
    listed = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: moods\nretain: 7d\nhold: 0s\nchanges:\n{listed}", "p.yaml")


def refused(database: Database, *changes: str) -> set[tuple[str, str]]:
    with Engine(database.url) as engine:
        return {(r.code, r.object) for r in engine.check(plan(*changes)).refusals}


def test_whatever_needs_the_enum_and_does_not_travel_is_refused_by_name(database: Database) -> None:
    database.execute(f"""
        {PEOPLE}
        CREATE TABLE others (id int PRIMARY KEY, mood mood);
        CREATE TABLE arrays (id int PRIMARY KEY, moods mood[]);
        CREATE TABLE lists (mood mood) PARTITION BY LIST (mood);
        CREATE DOMAIN shown AS mood CHECK (VALUE <> 'numb');
        CREATE TYPE pair AS (first mood, second int);
        CREATE TYPE moods AS RANGE (subtype = mood);
        CREATE FUNCTION worse(than mood) RETURNS mood LANGUAGE sql AS 'SELECT than';
        CREATE FUNCTION all_of(moods mood[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE VIEW elsewhere AS SELECT 'sad'::mood AS always;
        CREATE VIEW over_two AS SELECT p.mood FROM people p JOIN others o ON p.mood = o.mood;
        ALTER TABLE people ADD CHECK (note::mood <> 'sad');
        CREATE VIEW fine AS SELECT mood FROM people WHERE mood = 'sad' AND before <> 'happy';
    """)
    found = refused(database, REMOVE)
    dependents = {name for code, name in found if code == "dependent"}
    assert dependents == {
        "column moods of table public.arrays",
        "type public.shown",
        "constraint shown_check",
        "column first of composite type public.pair",
        "type public.moods",
        "function public.moods(public.mood,public.mood)",
        "function public.moods(public.mood,public.mood,text)",
        "function public.worse(public.mood)",
        "function public.all_of(public.mood[])",
        "column always of view public.elsewhere",
        "rule _RETURN on view public.elsewhere",
        "constraint people_note_check on table public.people",
        "view public.over_two",
    }
    assert {code for code, _ in found} == {"dependent", "partition_key"}


@pytest.mark.parametrize(
    ("setup", "changes", "code", "named"),
    [
        (ENUM, ("remove_enum_values: {type: feeling, map: {sad: null}}",), "no_such_type", "feeling"),
        (ENUM, ("remove_enum_values: {type: mood, map: {glad: null}}",), "no_such_value", "public.mood.glad"),
        (ENUM, ("remove_enum_values: {type: mood, map: {sad: glad}}",), "no_such_value", "public.mood.glad"),
        (ENUM, ("rename_enum_value: {type: mood, from: glad, to: blue}",), "no_such_value", "public.mood.glad"),
        (ENUM, ("rename_enum_value: {type: mood, from: sad, to: happy}",), "name_taken", "public.mood.happy"),
        ("CREATE DOMAIN mood AS text", (REMOVE,), "not_an_enum", "public.mood"),
        ("CREATE DOMAIN mood AS text", (RENAME,), "not_an_enum", "public.mood"),
        (f"{ENUM} CREATE TABLE a (mood mood NOT NULL)", (REMOVE,), "null_not_allowed", "public.a.mood"),
        (f"{ENUM} CREATE TABLE a (mood mood DEFAULT 'numb')", (REMOVE,), "expression", "default of public.a.mood"),
        (
            f"{ENUM} CREATE TABLE a (mood mood CHECK (mood <> 'numb'))",
            (REMOVE,),
            "expression",
            "constraint a_mood_check",
        ),
        (
            PEOPLE,
            ("add_column: {table: people, name: then, type: mood}", REMOVE),
            "not_together",
            "change 1 (add_column)",
        ),
        (PEOPLE, (REMOVE, RENAME), "not_together", "change 2 (rename_enum_value)"),
        (
            ENUM,
            ("create_enum: {name: fresh, values: [sad, numb, lost]}", REMOVE.replace("mood,", "fresh,")),
            "not_together",
            "public.fresh",
        ),
        (
            f"{ENUM} CREATE TABLE a (mood mood PRIMARY KEY); CREATE TABLE b (mood mood REFERENCES a)",
            ("remove_enum_values: {type: mood, map: {numb: sad}}",),
            "referenced_key",
            "public.a.mood",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    setup: str, changes: tuple[str, ...], code: str, named: str, database: Database
) -> None:
    database.execute(setup)
    found = refused(database, *changes)
    assert {c for c, _ in found} == {code}
    assert any(name.startswith(named) for _, name in found), found


def people(database: Database) -> list[tuple[object, ...]]:
    return database.execute("SELECT id, mood::text, before::text FROM people ORDER BY id")


@pytest.mark.long
def test_the_way_back_loses_no_value_that_nobody_changed(database: Database) -> None:
    """Each column of a row by itself; and a value that is new to the enum is no failure of the one who writes it."""
    database.execute(f"{PEOPLE} INSERT INTO people VALUES (1, 'numb', 'lost'), (2, 'happy', 'numb')")
    before = database.dump()
    with Engine(database.url) as engine:
        engine.start(plan(REMOVE))
        engine.approve("moods", Phase.CONTRACT, "alice")
        engine.advance("moods", to=State.BACKFILLED)
        assert people(database) == [(1, "numb", "lost"), (2, "happy", "numb")]
        assert engine.contract("moods").state is State.RETAINED
        assert people(database) == [(1, "sad", None), (2, "happy", "sad")]
        database.execute("UPDATE people SET before = 'happy' WHERE id = 1")
        engine.revert("moods")
        assert people(database) == [(1, "numb", "happy"), (2, "happy", "numb")]
        assert engine.rollback("moods").state is State.ROLLED_BACK
        assert database.dump() == before
        engine.start(plan(REMOVE))
        engine.approve("moods", Phase.CONTRACT, "alice")
        engine.advance("moods", to=State.BACKFILLED)
        assert engine.contract("moods").state is State.RETAINED
        database.execute("ALTER TYPE mood ADD VALUE 'glad'")
        database.execute("UPDATE people SET mood = 'glad' WHERE id = 2")
        assert people(database) == [(1, "sad", "happy"), (2, "glad", "sad")]
        with pytest.raises(WouldDiscard, match="values sad, happy became sad, happy, glad"):
            engine.revert("moods")
        database.execute("UPDATE crossfade.runs SET retain_until = now()")
        assert engine.contract("moods").state is State.CONTRACTED
        assert people(database) == [(1, "sad", "happy"), (2, "glad", "sad")]


@pytest.mark.long
def test_sessions_take_the_enum_anew_in_functions_that_they_have_called(database: Database) -> None:
    """PL/pgSQL keeps the types of variables for the session; a type that is gone by then would be an error."""
    database.execute(f"""
        {PEOPLE} INSERT INTO people VALUES (1, 'happy', 'numb');
        CREATE FUNCTION told(n int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
        DECLARE one mood; other people.before%TYPE;
        BEGIN SELECT mood, before INTO one, other FROM people WHERE id = n; RETURN one::text || other::text; END $$;
    """)
    with Engine(database.url) as engine, psycopg.connect(database.url, autocommit=True) as session:
        engine.start(plan(REMOVE))
        engine.approve("moods", Phase.CONTRACT, "alice")
        assert session.execute("SELECT told(1)").fetchone() == ("happynumb",)
        engine.advance("moods", to=State.RETAINED)
        assert session.execute("SELECT told(1)").fetchone() == ("happysad",)
        engine.revert("moods")
        assert session.execute("SELECT told(1)").fetchone() == ("happynumb",)
        engine.advance("moods", to=State.RETAINED)
        database.execute("UPDATE crossfade.runs SET retain_until = clock_timestamp()")
        engine.contract("moods")
        assert session.execute("SELECT told(1)").fetchone() == ("happysad",)


@pytest.mark.long
def test_an_enum_in_keys_loses_values(database: Database) -> None:
    """A value is added before, in the same plan."""
    database.execute(f"""
        {ENUM} CREATE TABLE shifts (day int, mood mood, PRIMARY KEY (day, mood), UNIQUE (mood, day));
        INSERT INTO shifts SELECT g, 'numb' FROM generate_series(1, 5) g;
    """)
    added, removed = "add_enum_value: {type: mood, value: dull}", "remove_enum_values: {type: mood, map: {numb: dull}}"
    with Engine(database.url) as engine:
        engine.start(plan(added, removed))
        engine.approve("moods", Phase.CONTRACT, "alice")
        engine.advance("moods", to=State.RETAINED)
        engine.revert("moods")
        engine.advance("moods", to=State.RETAINED)
    assert database.execute("SELECT DISTINCT mood::text FROM shifts") == [("dull",)]
    labels = "SELECT enumlabel FROM pg_enum WHERE enumtypid = 'mood'::regtype ORDER BY enumsortorder"
    assert [row[0] for row in database.execute(labels)] == ["sad", "lost", "happy", "dull"]
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute("INSERT INTO shifts VALUES (1, 'dull')")


def test_an_enum_that_nothing_needs_is_changed_without_waiting(database: Database) -> None:
    database.execute(ENUM)
    with Engine(database.url) as engine:
        assert {s.part for s in engine.explain(plan(RENAME)).program.steps} == {Part.EXPAND}
        database.execute("CREATE TABLE people (mood mood)")
        assert {s.part for s in engine.explain(plan(RENAME)).program.steps} == {Part.HIDE}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("remove_enum_values: {type: mood, map: {}}", "map"),
        ("remove_enum_values: {type: mood, map: {sad: numb, numb: happy}}", "`sad` becomes `numb`, which goes as well"),
        ("rename_enum_value: {type: mood, from: sad, to: sad}", "the value is named `sad` already"),
        (f"rename_enum_value: {{type: mood, from: sad, to: {'x' * 64}}}", "more than 63 bytes"),
    ],
)
def test_what_says_nothing_is_no_plan(change: str, says: str) -> None:
    with pytest.raises(InvalidPlan, match=says):
        plan(change)


def test_a_value_that_the_plan_itself_adds_cannot_be_used_in_it(database: Database) -> None:
    database.execute(PEOPLE)
    added = "add_enum_value: {type: mood, value: calm}"
    used = "set_default: {table: people, column: mood, value: \"'calm'\"}"
    with Engine(database.url) as engine:
        (refusal,) = engine.check(plan(added, used)).refusals
        assert (refusal.code, refusal.object) == ("new_enum_value", "value of set_default on public.people")
        assert "`add_enum_value` before it" in refusal.message
        assert "plan of its own" in refusal.instead
        database.execute("ALTER TYPE mood ADD VALUE 'calm'")
        assert not engine.check(plan(added, used)).refusals
