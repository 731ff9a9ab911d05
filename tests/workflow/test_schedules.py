"""Schedules: registered once, fired once for each time whoever looks, by the overlap and catch-up policies."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.errors import Conflict, InvalidPlan, PlanChanged, PreflightRefused, UnknownRun, UsageError, WrongState
from crossfade.plan.load import parse_plan
from crossfade.postgres.connect import connect
from crossfade.workflow import firing, schedules
from crossfade.workflow.engine import Engine

from .schedules import NAME, firings, hits, hourly_of, last_fired, make_table, plan, plan_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.workflow.firing import Firing

    from ..fixtures.database import Database

OF_THE_SCHEMA = """\
crossfade: 1
name: a
schedule: {cron: '0 0 * * *'}
changes:
  - rename_column: {table: t, from: a, to: b}
"""


@pytest.fixture
def table(database: Database) -> Database:
    """The test's database with the table."""
    make_table(database)
    return database


@pytest.fixture
def hourly(table: Database) -> str:
    """An hour's cron expression whose last time was half an hour ago, so that none comes while a test runs."""
    return hourly_of(table)


@pytest.fixture
def engine(table: Database) -> Iterator[Engine]:
    with Engine(table.url) as made:
        yield made


def fire_due(database: Database) -> list[Firing]:
    """What one scheduler fires that looks once."""
    with connect(database.url) as connection:
        due = [s for s in schedules.living(connection) if firing.is_due(s)]
        return [f for s in due for f in firing.fire_due(connection, s.id)]


# Registering


def test_a_plan_with_a_schedule_is_registered_and_is_no_run(engine: Engine, table: Database) -> None:
    status = engine.schedules.start(plan())
    assert (status.name, status.state, status.firings, len(status.next_fires)) == (NAME, "scheduled", (), 3)
    assert table.execute("SELECT count(*) FROM crossfade.runs") == [(0,)]
    assert NAME in engine.schedules
    assert [s.name for s in engine.schedules.all()] == [NAME]


def test_it_begins_with_the_time_of_its_registration(engine: Engine, table: Database) -> None:
    engine.schedules.start(plan(cron="* * * * *"))
    near = "SELECT clock_timestamp() - last_fire BETWEEN interval '0' AND interval '1 minute' FROM crossfade.schedules"
    assert table.execute(near) == [(True,)]


def test_the_same_plan_again_does_nothing_and_a_changed_one_is_refused(engine: Engine, table: Database) -> None:
    engine.schedules.start(plan())
    engine.schedules.start(plan(), acks=("triggers",))
    assert table.execute("SELECT count(*), min(acks::text) FROM crossfade.schedules") == [(1, "{triggers}")]
    with pytest.raises(PlanChanged, match="another version"):
        engine.schedules.start(plan(overlap="queue"))


def test_a_name_is_a_runs_or_a_schedules(engine: Engine) -> None:
    once = parse_plan(re.sub("schedule: .*\n", "", plan_text()), "plan.yaml")
    engine.start(once)
    with pytest.raises(Conflict, match="there is a run named nightly"):
        engine.schedules.start(plan())
    engine.cancel(NAME)
    engine.schedules.start(plan())
    with pytest.raises(PlanChanged):
        engine.start(once)
    with pytest.raises(UsageError, match="has a schedule") as refused:
        engine.start(plan())
    assert f"crossfade fire {NAME}" in str(refused.value.hint)
    for ask in (engine.backfill, engine.status, engine.history):
        with pytest.raises(WrongState, match="is a schedule"):
            ask(NAME)


def test_what_the_database_cannot_take_is_refused_at_once(engine: Engine, table: Database) -> None:
    table.execute("DROP TABLE t")
    with pytest.raises(PreflightRefused):
        engine.schedules.start(plan())
    assert NAME not in engine.schedules


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        (
            OF_THE_SCHEMA,
            "3:11",
            "`rename_column` changes the schema",
        ),
        (plan_text(name="n" * 47), "3:11", "up to 46 characters"),
    ],
)
def test_a_plan_that_cannot_have_a_schedule_is_refused_with_its_position(text: str, position: str, words: str) -> None:
    with pytest.raises(InvalidPlan) as refused:
        parse_plan(text, "plan.yaml")
    assert [p.location for p in refused.value.problems] == [f"plan.yaml:{position}"]
    assert words in refused.value.problems[0].message


# Firing


def test_a_time_that_is_due_becomes_a_run_of_its_own(engine: Engine, table: Database, hourly: str) -> None:
    engine.schedules.start(plan(cron=hourly))
    assert fire_due(table) == []
    last_fired(table, "1 hour")
    [fired] = fire_due(table)
    assert (fired.outcome, fired.run) == ("started", f"{NAME}-{fired.fire_time:%Y%m%dt%H%M}00z")
    assert fire_due(table) == []
    assert fired.run is not None
    status = engine.status(fired.run)
    assert status.state == "planned"
    [stored] = table.execute("SELECT plan ->> 'name', plan::jsonb ? 'schedule' FROM crossfade.runs")
    assert stored == (fired.run, False)
    assert engine.advance(fired.run).state == "contracted"
    assert hits(table) == [(1, 50)]
    assert engine.runs() == (), "a schedule's runs that are over are listed with the schedule"
    [shown] = engine.schedules.status(NAME).firings
    assert (shown.run, shown.state) == (fired.run, "contracted")
    assert [e.kind for e in engine.schedules.history(NAME)] == ["registered", "fired"]


def test_the_longest_name_makes_runs_that_can_be_named(engine: Engine, table: Database) -> None:
    engine.schedules.start(plan(name="n" * 46))
    fired = engine.schedules.fire("n" * 46)
    assert fired.run is not None
    assert len(fired.run) == 63
    assert engine.advance(fired.run).state == "contracted"


def test_every_time_fires_once_however_many_look(engine: Engine, table: Database, hourly: str) -> None:
    for number in range(3):
        engine.schedules.start(plan(name=f"s-{number}", cron=hourly, overlap="queue", catch_up="all"))
    table.execute("UPDATE crossfade.schedules SET last_fire = clock_timestamp() - interval '12 hours'")
    with ThreadPoolExecutor(4) as pool:
        found = [f for fired in pool.map(lambda _: fire_due(table), range(16)) for f in fired]
    keys = [(f.schedule, f.fire_time) for f in found]
    assert len(keys) == len(set(keys)) == 36
    counted = "SELECT count(*), count(DISTINCT run_id), (SELECT count(*) FROM crossfade.runs) FROM crossfade.firings"
    assert table.execute(counted) == [(36, 36, 36)]


def test_a_scheduler_that_dies_in_the_middle_of_firing_leaves_nothing(
    engine: Engine, table: Database, hourly: str
) -> None:
    engine.schedules.start(plan(cron=hourly))
    last_fired(table, "1 hour")
    table.execute("ALTER TABLE crossfade.runs ADD CONSTRAINT no_more CHECK (name NOT LIKE 'nightly-%')")
    with pytest.raises(psycopg.errors.CheckViolation):
        fire_due(table)
    assert firings(table) == []
    table.execute("ALTER TABLE crossfade.runs DROP CONSTRAINT no_more")
    assert len(fire_due(table)) == 1


@pytest.mark.parametrize(
    ("catch_up", "outcomes"),
    [("latest", ["started"]), ("all", ["started", "queued", "queued"]), ("none", [])],
)
def test_missed_times_are_made_good_as_the_plan_says(
    engine: Engine, table: Database, hourly: str, catch_up: str, outcomes: list[str]
) -> None:
    engine.schedules.start(plan(cron=hourly, overlap="queue", catch_up=catch_up))
    last_fired(table, "2 hours 45 minutes")
    found = fire_due(table)
    assert [f.outcome for f in found] == outcomes
    if catch_up == "latest":
        assert found[0].reason == "2 before it were missed"
    assert fire_due(table) == []


def test_skip_leaves_a_time_out_while_an_earlier_run_is_under_way(engine: Engine, table: Database, hourly: str) -> None:
    engine.schedules.start(plan(cron=hourly, overlap="skip"))
    first = engine.schedules.fire(NAME)
    last_fired(table, "1 hour")
    [second] = fire_due(table)
    assert (second.outcome, second.run, second.reason) == ("skipped", None, f"under way: {first.run} is planned")
    with pytest.raises(WrongState, match="has a run under way"):
        engine.schedules.fire(NAME)
    assert first.run is not None
    engine.advance(first.run)
    last_fired(table, "1 hour")
    assert fire_due(table) == [], "a time that was skipped stays skipped"
    assert table.execute("SELECT count(*) FROM crossfade.runs") == [(1,)]


def test_replace_cancels_the_earlier_run(engine: Engine, table: Database, hourly: str) -> None:
    engine.schedules.start(plan(cron=hourly, overlap="replace"))
    first = engine.schedules.fire(NAME)
    last_fired(table, "1 hour")
    [second] = fire_due(table)
    assert second.outcome == "replaced"
    assert sorted(table.execute("SELECT name, state FROM crossfade.runs")) == sorted(
        [(first.run, "rolling_back"), (second.run, "planned")]
    )
    assert engine.worker().once().has_failed is False
    assert {s for _, s in firings(table)} == {"cancelled", "contracted"}
    assert hits(table) == [(1, 50)]


def test_a_run_that_has_the_name_already_is_no_reason_to_fire_again_and_again(
    engine: Engine, table: Database, hourly: str
) -> None:
    schedule = engine.schedules.start(plan(cron=hourly)).schedule
    last_fired(table, "1 hour")
    [(now,)] = table.execute("SELECT clock_timestamp()")
    name = firing.run_name(NAME, schedule.latest_until(now))
    engine.start(parse_plan(re.sub("schedule: .*\n", "", plan_text(name=name)), "plan.yaml"))
    [fired] = fire_due(table)
    assert (fired.outcome, fired.run) == ("skipped", None)
    assert name in str(fired.reason)
    assert fire_due(table) == []


# Held and ended


def test_a_paused_schedule_does_not_fire_nor_make_good_what_it_missed(
    engine: Engine, table: Database, hourly: str
) -> None:
    engine.schedules.start(plan(cron=hourly, catch_up="all"))
    last_fired(table, "3 hours")
    status = engine.schedules.pause(NAME, "stocktaking")
    assert (status.state, status.paused, status.next_fires) == ("paused", "stocktaking", ())
    assert fire_due(table) == []
    assert engine.schedules.fire(NAME).outcome == "started", "by hand it does"
    assert engine.schedules.resume(NAME).state == "scheduled"
    assert fire_due(table) == []
    with pytest.raises(WrongState, match="not paused"):
        engine.schedules.resume(NAME)
    assert [e.kind for e in engine.schedules.history(NAME)] == ["registered", "paused", "fired", "resumed"]


def test_an_ended_schedule_fires_no_more_and_its_name_is_free(engine: Engine, table: Database, hourly: str) -> None:
    engine.schedules.start(plan(cron=hourly))
    last_fired(table, "3 hours")
    assert engine.schedules.end(NAME, "replaced").state == "ended"
    assert fire_due(table) == []
    assert engine.schedules.end(NAME, "again").state == "ended"
    assert [e.kind for e in engine.schedules.history(NAME)] == ["registered", "ended"]
    for act in (engine.schedules.fire, engine.schedules.resume):
        with pytest.raises(WrongState, match="ended"):
            act(NAME)
    assert engine.schedules.status(NAME).state == "ended", "it can still be looked at"
    assert engine.schedules.start(plan(cron="0 5 * * *")).state == "scheduled"


def test_an_unknown_schedule_is_told_with_those_there_are(engine: Engine) -> None:
    engine.schedules.start(plan())
    with pytest.raises(UnknownRun) as refused:
        engine.schedules.status("weekly")
    assert NAME in str(refused.value.hint)


def test_the_record_of_schedules_is_append_only(engine: Engine, table: Database) -> None:
    engine.schedules.start(plan())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        table.execute("DELETE FROM crossfade.schedule_events")
