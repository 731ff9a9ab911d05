"""Sightings in the ledger: reported, recorded, listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.errors import UsageError
from crossfade.gates import app_version, sightings
from crossfade.gates.verdict import Verdict
from crossfade.plan.gates import AppVersion

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

ROSTER = 'apps:\n  api: {scheme: semver, new: ">=2.0.0"}\nhold: 0s'


@pytest.mark.every_server
def test_a_heartbeat_is_kept_once_with_its_first_and_last_time(start: Callable[..., Expanded]) -> None:
    connection = start(KEYED).connection
    sightings.heartbeat(connection, "api", "2.0.0", "pod-a")
    (first,) = sightings.list_sightings(connection)
    sightings.heartbeat(connection, "api", "2.0.0", "pod-a")
    (second,) = sightings.list_sightings(connection)
    assert (second.app, second.version, second.instance, second.source) == ("api", "2.0.0", "pod-a", "heartbeat")
    assert second.first_seen == first.first_seen
    assert second.last_seen > first.last_seen
    assert 0 <= second.age_seconds < 60


@pytest.mark.alike
def test_a_sighting_has_the_role_that_the_app_logged_in_with(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    run.sql("CREATE ROLE sighted_api LOGIN; GRANT USAGE ON SCHEMA crossfade TO sighted_api")
    run.sql("GRANT EXECUTE ON FUNCTION crossfade.heartbeat(text, text, text) TO sighted_api")
    run.sql("GRANT EXECUTE ON FUNCTION crossfade.can_i_run(text, text) TO sighted_api")
    with run.database.connect(user="sighted_api", application_name="api@2.0.0/pod-a", autocommit=True) as api:
        api.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-a')")
        api.execute("SELECT crossfade.can_i_run('api', '2.0.0')")
        app_version.observe(run.connection, run.subject, AppVersion(), run.look())
    sightings.record(run.connection, "api", "2.0.0")
    found = {s.source: s.role_name for s in sightings.list_sightings(run.connection)}
    owner = run.connection.info.user
    assert found == {"heartbeat": "sighted_api", "start": "sighted_api", "activity": "sighted_api", "record": None}
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    assert {s.role_name for s in sightings.list_sightings(run.connection) if s.source == "heartbeat"} == {owner}


def test_versions_instances_and_sources_are_told_apart(start: Callable[..., Expanded]) -> None:
    connection = start(KEYED).connection
    for version, instance in (("2.0.0", "b"), ("1.4.0", "a"), ("2.0.0", "a")):
        sightings.heartbeat(connection, "api", version, instance)
    sightings.record(connection, "api", "2.0.0", "a")
    assert [(s.version, s.instance, s.source) for s in sightings.list_sightings(connection)] == [
        ("1.4.0", "a", "heartbeat"),
        ("2.0.0", "a", "heartbeat"),
        ("2.0.0", "a", "record"),
        ("2.0.0", "b", "heartbeat"),
    ]


def test_a_record_of_a_deployment_is_no_proof(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    sightings.record(run.connection, "api", "2.0.0")
    assert run.gates()["app_version"].verdict is Verdict.UNKNOWN
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    assert run.gates()["app_version"].verdict is Verdict.PASS
    # Nor does it say that an old version is live.
    sightings.record(run.connection, "api", "1.4.0")
    assert run.gates()["app_version"].verdict is Verdict.PASS


@pytest.mark.parametrize("missing", ["app", "version", "instance"])
@pytest.mark.parametrize("report", [sightings.heartbeat, sightings.record])
def test_a_sighting_without_a_word_is_refused(
    start: Callable[..., Expanded], report: Callable[..., None], missing: str
) -> None:
    connection = start(KEYED).connection
    words = {"app": "api", "version": "2.0.0", "instance": "pod-a", missing: " "}
    with pytest.raises(UsageError, match=f"without {missing}"):
        report(connection, **words)
    assert sightings.list_sightings(connection) == ()


def test_the_same_sighting_twice_in_one_look_is_kept_once(start: Callable[..., Expanded]) -> None:
    connection = start(KEYED).connection
    seen = ("api", "2.0.0", "pod-a", "activity")
    sightings.save(
        connection,
        [(*seen, "10.0.0.1", "old"), (*seen, "10.0.0.2", "api"), (*seen[:2], "pod-b", "activity", None, None)],
    )
    assert [(s.instance, s.host, s.role_name) for s in sightings.list_sightings(connection)] == [
        ("pod-a", "10.0.0.2", "api"),
        ("pod-b", None, None),
    ]
    sightings.save(connection, [])
    assert len(sightings.list_sightings(connection)) == 2


def test_an_open_connection_is_kept_as_a_sighting_by_a_look_that_is_recorded(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    run.app("api@1.4.0/pod-a")
    run.app("stranger@1.4.0/pod-a")
    seen = app_version.observe(run.connection, run.subject, AppVersion(), run.look(record=False))
    assert [(s.version, s.instance, s.source) for s in seen.sightings] == [("1.4.0", "pod-a", "activity")]
    assert sightings.list_sightings(run.connection) == ()
    seen = app_version.observe(run.connection, run.subject, AppVersion(), run.look(record=True))
    assert len(seen.sightings) == 1
    (kept,) = sightings.list_sightings(run.connection)
    assert (kept.app, kept.version, kept.source) == ("api", "1.4.0", "activity")


def test_a_connection_that_was_closed_counts_until_its_ttl_is_over(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-b")
    closed = run.app("api@1.4.0/pod-a")
    assert run.gates()["app_version"].verdict is Verdict.BLOCKED
    run.connection.execute("SELECT pg_terminate_backend(%s, 5000)", [closed.info.backend_pid])
    assert run.gates()["app_version"].verdict is Verdict.BLOCKED
    run.connection.execute("UPDATE crossfade.sightings SET last_seen = last_seen - interval '61 s' WHERE version < '2'")
    assert run.gates()["app_version"].verdict is Verdict.PASS


def test_sources_that_the_roster_does_not_list_are_not_asked(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER.replace("new:", "sources: [heartbeat], new:"))
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-b")
    run.app("api@1.4.0/pod-a")
    assert run.gates()["app_version"].verdict is Verdict.PASS
    assert len(sightings.list_sightings(run.connection)) == 1


def test_a_gate_for_one_app_leaves_the_others_out(start: Callable[..., Expanded]) -> None:
    roster = 'apps:\n  api: {scheme: semver, new: ">=2.0.0"}\n  worker: {scheme: integer, new: ">=7"}'
    run = start(KEYED, roster)
    seen = app_version.observe(run.connection, run.subject, AppVersion(apps=("worker",)), run.look())
    assert list(seen.apps) == ["worker"]
    seen = app_version.observe(run.connection, run.subject, AppVersion(), run.look())
    assert sorted(seen.apps) == ["api", "worker"]


@pytest.mark.parametrize("said", ["", "a\nb", "a\x1b[31m", "9" * 201, None])
@pytest.mark.parametrize("place", range(3))
def test_what_would_steer_a_terminal_or_say_nothing_is_not_taken(
    start: Callable[..., Expanded], said: str | None, place: int
) -> None:
    run = start(KEYED)
    words = ["api", "2.0.0", "pod-a"]
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="1 to 200 characters"):
        run.sql("SELECT crossfade.heartbeat(%s, %s, %s)", [*words[:place], said, *words[place + 1 :]])
    if place < 2:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="1 to 200 characters"):
            run.sql("SELECT crossfade.can_i_run(%s, %s)", [*words[:place], said, *words[place + 1 : 2]])
