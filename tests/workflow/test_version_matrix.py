"""The matrix of apps and versions: how many live, what the fence says of each, and what runs under way expect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.plan.load import parse_plan
from crossfade.workflow import version_matrix
from crossfade.workflow.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.workflow.version_matrix import VersionMatrix, VersionRow

    from ..fixtures.database import Database

ROSTER = """
crossfade: 1
name: the-rename
apps:
  api: {scheme: semver, new: ">=2.0.0", ttl: 1h, expect: 3}
  worker: {scheme: integer, new: ">=7"}
changes: [{rename_column: {table: users, from: email, to: email_address}}]
"""
SEEN = (
    "INSERT INTO crossfade.sightings (app, version, instance, source, host, last_seen)"
    " VALUES (%s, %s, %s, %s, %s, clock_timestamp() - %s::interval)"
)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine with a run that is `planned`."""
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text)")
    with Engine(database.url) as made:
        made.start(parse_plan(ROSTER, "plan.yaml"))
        yield made


def seen(
    database: Database, version: str, instance: str, source: str = "heartbeat", *, app: str = "api", ago: str = "0 s"
) -> None:
    database.execute(SEEN, [app, version, instance, source, "10.0.0.7", ago])


def rows(matrix: VersionMatrix) -> dict[tuple[str, str], VersionRow]:
    return {(row.app, row.version): row for row in matrix.rows}


def test_instances_are_counted_once_however_many_sources_have_them(engine: Engine, database: Database) -> None:
    for instance in ("pod-a", "pod-b"):
        seen(database, "2.0.0", instance)
        seen(database, "2.0.0", f"default/{instance}", "kubernetes")
    seen(database, "2.0.0", "pod-gone", ago="2 h")
    seen(database, "2.0.0", "pid 4711", "start")
    for pid in range(5):
        seen(database, "2.0.0", f"pid {pid}", "activity")
    row = rows(engine.version_matrix())["api", "2.0.0"]
    assert (row.fresh, row.instances) == (2, 3)
    assert row.sources == ("activity", "heartbeat", "kubernetes", "start")


def test_connections_without_a_name_are_one_instance_for_each_host(engine: Engine, database: Database) -> None:
    for place in ("pid 1", "pid 2", "port 3"):
        seen(database, "2.0.0", place, "activity")
    assert rows(engine.version_matrix())["api", "2.0.0"].fresh == 1


@pytest.mark.parametrize(("source", "instances"), [("record", 0), ("start", 1)])
def test_a_record_is_no_instance_and_one_let_in_is(
    engine: Engine, database: Database, source: str, instances: int
) -> None:
    seen(database, "2.0.0", "pid 1", source)
    assert rows(engine.version_matrix())["api", "2.0.0"].instances == instances


def test_an_app_that_no_run_lists_is_fresh_for_a_minute(engine: Engine, database: Database) -> None:
    seen(database, "1", "a", app="other", ago="50 s")
    seen(database, "1", "b", app="other", ago="70 s")
    row = rows(engine.version_matrix())["other", "1"]
    assert (row.fresh, row.instances, row.runs, row.allowed) == (1, 2, (), True)


def test_what_runs_expect_and_the_fence_says(engine: Engine, database: Database) -> None:
    for version in ("1.4.0", "2.0.0", "latest"):
        seen(database, version, "pod-a")
    found = rows(engine.version_matrix())
    needs = {version: (row.allowed, [e.needs for e in row.runs]) for (_, version), row in found.items()}
    assert needs == {"1.4.0": (True, ["old"]), "2.0.0": (False, ["new"]), "latest": (None, ["unknown"])}
    assert "the-rename is planned" in found["api", "2.0.0"].reason
    [expected] = found["api", "2.0.0"].runs
    assert (expected.run, expected.new, expected.expect) == ("the-rename", ">=2.0.0", 3)


def test_an_app_of_which_no_new_version_was_seen_is_missing(engine: Engine, database: Database) -> None:
    seen(database, "1.4.0", "pod-a")
    seen(database, "7", "w-1", app="worker")
    assert [(app, e.run, e.expect) for app, e in engine.version_matrix().missing] == [("api", "the-rename", 3)]


def test_a_run_that_is_over_expects_nothing(engine: Engine, database: Database) -> None:
    seen(database, "2.0.0", "pod-a")
    engine.rollback("the-rename")
    matrix = engine.version_matrix()
    assert matrix.missing == ()
    assert rows(matrix)["api", "2.0.0"].runs == ()


def test_apps_stand_together_with_the_latest_version_first(engine: Engine, database: Database) -> None:
    for n, (app, version) in enumerate([("api", "1.4.0"), ("worker", "6"), ("api", "2.0.0"), ("worker", "7")]):
        seen(database, version, "i", app=app, ago=f"{60 - n} s")
    order = [(row.app, row.version) for row in engine.version_matrix().rows]
    assert order == [("worker", "7"), ("worker", "6"), ("api", "2.0.0"), ("api", "1.4.0")]


def test_it_is_as_long_as_its_limit(engine: Engine, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_matrix, "MOST", 2)
    for n in range(5):
        seen(database, f"2.0.{n}", "pod-a", ago=f"{n} min")
    matrix = engine.version_matrix()
    assert ([row.version for row in matrix.rows], matrix.left_out) == (["2.0.0", "2.0.1"], 3)


def test_thousands_of_instances_are_one_row(engine: Engine, database: Database) -> None:
    database.execute(
        "INSERT INTO crossfade.sightings (app, version, instance, source)"
        " SELECT 'api', '2.0.0', 'pod-' || g, 'heartbeat' FROM generate_series(1, 5000) g"
    )
    [row] = engine.version_matrix().rows
    assert (row.fresh, row.instances) == (5000, 5000)


def test_whoever_may_read_the_ledger_may_see_it(engine: Engine, database: Database) -> None:
    seen(database, "2.0.0", "pod-a")
    database.execute("CREATE ROLE matrix_reader LOGIN IN ROLE crossfade_reader")
    with Engine(database.server.url(database.name, user="matrix_reader")) as reader:
        assert rows(reader.version_matrix())["api", "2.0.0"].allowed is False
