"""Sources as the gate `app_version` of a run asks them: side by side, with the ledger, in one verdict."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from crossfade.gates import app_version, sightings
from crossfade.gates.aside import Aside
from crossfade.gates.sources.outside import Asked
from crossfade.gates.verdict import Verdict
from crossfade.plan.gates import AppVersion

from .answering import Answering, Reply, answering, unreachable
from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN
OLD, NEW = Reply({"version": "1.4.0"}), Reply({"version": "2.0.0"})


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with answering() as made:
        yield made


def roster(*sources: str, app: str = "api") -> str:
    return f'  {app}: {{scheme: semver, new: ">=2.0.0", sources: [{", ".join(sources)}]}}\n'


def plan(*apps: str) -> str:
    return f"apps:\n{''.join(apps)}hold: 0s"


def http(*urls: str, timeout: str = "30s") -> str:
    listed = ", ".join(f'"{url}"' for url in urls)
    return f"{{http: {{urls: [{listed}], timeout: {timeout}}}}}"


def kept(run: Expanded) -> list[tuple[str, str]]:
    return [(s.version, s.source) for s in sightings.list_sightings(run.connection)]


def verdict(run: Expanded) -> Verdict:
    return run.gates()["app_version"].verdict


def test_what_outside_sources_see_is_kept_by_a_look_that_is_recorded(
    start: Callable[..., Expanded], web: Answering
) -> None:
    run = start(KEYED, plan(roster(http(f"{web.url}/a"))))
    web.replies = {"/a": OLD}
    seen = app_version.observe(run.connection, run.subject, AppVersion(), run.look(record=False))
    assert [(s.version, s.source) for s in seen.sightings] == [("1.4.0", "http")]
    assert kept(run) == []
    assert verdict(run) is BLOCKED
    assert kept(run) == [("1.4.0", "http")]


def test_an_instance_that_was_upgraded_blocks_until_its_ttl_is_over(
    start: Callable[..., Expanded], web: Answering
) -> None:
    run = start(KEYED, plan(roster(http(f"{web.url}/a"))))
    web.replies = {"/a": OLD}
    assert verdict(run) is BLOCKED
    web.replies = {"/a": NEW}
    assert verdict(run) is BLOCKED
    run.connection.execute("UPDATE crossfade.sightings SET last_seen = last_seen - interval '61 s' WHERE version < '2'")
    assert verdict(run) is PASS


def test_what_is_seen_now_is_as_fresh_as_that_however_old_what_was_kept(
    start: Callable[..., Expanded], web: Answering
) -> None:
    run = start(KEYED, plan(roster(http(f"{web.url}/a"))))
    web.replies = {"/a": OLD}
    assert verdict(run) is BLOCKED
    run.connection.execute(
        "UPDATE crossfade.sightings SET first_seen = now() - interval '1 h', last_seen = now() - interval '1 h'"
    )
    look = run.look(record=False)
    seen = app_version.observe(run.connection, run.subject, AppVersion(), look)
    assert [s.last_seen for s in seen.sightings] == [look.now]
    assert seen.sightings[0].first_seen < look.now
    assert app_version.judge(seen, AppVersion()).verdict is BLOCKED


def test_what_was_kept_proves_nothing_once_its_source_is_away(start: Callable[..., Expanded], web: Answering) -> None:
    run = start(KEYED, plan(roster(http(f"{web.url}/a"))))
    web.replies = {"/a": NEW}
    assert verdict(run) is PASS
    web.replies = {}
    gate = run.gates()["app_version"]
    assert gate.verdict is UNKNOWN
    assert gate.reason == f"http of api cannot be relied on: {web.url}/a answers 404, not 200"
    assert gate.evidence["failures"][0]["source"] == "http"
    assert kept(run) == [("2.0.0", "http")]


def test_a_source_that_fails_keeps_heartbeats_from_passing_and_an_old_one_blocks_all_the_same(
    start: Callable[..., Expanded], web: Answering
) -> None:
    with unreachable() as nowhere:
        run = start(KEYED, plan(roster("heartbeat", http(f"{nowhere}/a"))))
        sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
        assert verdict(run) is UNKNOWN
        sightings.heartbeat(run.connection, "api", "1.4.0", "pod-b")
        assert verdict(run) is BLOCKED


def test_each_app_asks_its_own_sources(start: Callable[..., Expanded], web: Answering) -> None:
    run = start(KEYED, plan(roster(http(f"{web.url}/a")), roster(http(f"{web.url}/w"), app="worker")))
    web.replies = {"/a": NEW, "/w": NEW}
    assert verdict(run) is PASS
    web.replies = {"/a": NEW, "/w": OLD}
    gate = run.gates()["app_version"]
    assert gate.verdict is BLOCKED
    assert "live is worker 1.4.0" in gate.reason
    web.asked.clear()
    Asked({"api": (run.subject.plan.apps or {})["api"]}).answers()
    assert [path for path, _, _ in web.asked] == ["/a"]


def test_a_source_of_two_gates_is_asked_once_a_look(start: Callable[..., Expanded], web: Answering) -> None:
    twice = "\ngates:\n  contract:\n    - app_version: {}\n    - any: [{app_version: {}}, {soak: {for: 1h}}]\n"
    run = start(KEYED, plan(roster(http(f"{web.url}/a"))) + twice)
    web.replies = {"/a": NEW}
    found = run.gates()
    assert (found["app_version"].verdict, found["any"].verdict) == (PASS, PASS)
    assert [path for path, _, _ in web.asked] == ["/a"]


def test_one_that_hangs_is_unknown_and_the_others_are_heard(start: Callable[..., Expanded], web: Answering) -> None:
    web.replies = {"/slow": Reply(hangs=True), "/a": NEW, "/old": OLD}
    slow = http(f"{web.url}/slow", timeout="500ms")
    run = start(KEYED, plan(roster(slow, http(f"{web.url}/a"))))
    assert verdict(run) is UNKNOWN
    run = start(KEYED, plan(roster(slow, http(f"{web.url}/old"))))
    assert verdict(run) is BLOCKED


def test_a_call_that_never_ends_has_no_answer_and_one_that_does_has_its_own() -> None:
    never = Event()
    stuck = Aside(never.wait, seconds=0.05)
    assert stuck.answer() is None
    assert Aside(lambda: "heard", seconds=30).answer() == "heard"
    never.set()


def test_records_block_only_where_the_roster_lists_them(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, plan(roster("heartbeat", "record")))
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    sightings.record(run.connection, "api", "2.0.0")
    assert verdict(run) is PASS
    sightings.record(run.connection, "api", "1.4.0")
    assert verdict(run) is BLOCKED
    run.connection.execute(
        "UPDATE crossfade.sightings SET last_seen = last_seen - interval '1 day' WHERE version < '2'"
    )
    assert verdict(run) is PASS
    only = start(KEYED, plan(roster("record")))
    assert verdict(only) is UNKNOWN


def test_names_of_connections_are_read_by_the_plans_own_pattern(start: Callable[..., Expanded]) -> None:
    pattern = "{activity: {pattern: 'shop-(?P<app>[a-z]+)-(?P<version>[0-9.a-z-]+)(?: .*)?'}}"
    run = start(KEYED, plan(roster("heartbeat", pattern), roster("heartbeat", "activity", app="worker")))
    for app in ("api", "worker"):
        sightings.heartbeat(run.connection, app, "2.0.0", "pod-a")
    run.app("api@1.4.0/pod-b")
    assert verdict(run) is PASS
    run.app("shop-api-2.0.0")
    run.app("shop-worker-1.4.0")
    assert verdict(run) is PASS
    session = run.app("shop-api-1.4.0 (batch)")
    gate = run.gates()["app_version"]
    assert gate.verdict is BLOCKED
    assert f"api 1.4.0 on pid {session.info.backend_pid}" in gate.reason
    run.app("worker@1.4.0/pod-c")
    assert "worker 1.4.0 on pod-c" in run.gates()["app_version"].reason


def test_a_version_that_a_full_name_may_have_cut_is_unknown(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, plan(roster("heartbeat", "{activity: {pattern: 'shop-(?P<app>[a-z]+) (?P<version>.*)'}}")))
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    run.app(f"shop-api 2.0.0+{'1' * 47}")
    assert verdict(run) is PASS
    run.app(f"shop-api 2.0.0+{'1' * 48}")
    assert verdict(run) is UNKNOWN


def test_a_text_that_the_ledger_cannot_keep_is_an_answer_that_is_not_whole(
    start: Callable[..., Expanded], web: Answering
) -> None:
    run = start(KEYED, plan(roster(http(f"{web.url}/a", f"{web.url}/b"))))
    web.replies = {"/a": NEW, "/b": Reply({"version": "2.0.0\0"})}
    assert verdict(run) is UNKNOWN
    web.replies = {"/a": NEW, "/b": Reply(b'{"version": "2.0.0\\ud800"}')}
    assert verdict(run) is UNKNOWN
    assert kept(run) == [("2.0.0", "http")]


def test_who_was_let_in_at_its_start_counts_whatever_the_roster_lists_and_proves_nothing(
    start: Callable[..., Expanded], web: Answering
) -> None:
    run = start(KEYED, plan(roster(http(f"{web.url}/a"))))
    noted = "INSERT INTO crossfade.sightings (app, version, instance, source) VALUES ('api', %s, 'pid 7', 'start')"
    run.connection.execute(noted, ["2.0.0"])
    assert verdict(run) is UNKNOWN
    web.replies = {"/a": NEW}
    assert verdict(run) is PASS
    run.connection.execute(noted, ["1.4.0"])
    assert "api 1.4.0 on pid 7, seen 0 s ago by start" in run.gates()["app_version"].reason


def test_the_new_version_seen_outside_before_the_rows_are_filled_is_named(
    start: Callable[..., Expanded], web: Answering
) -> None:
    run = start(KEYED, plan(roster(http(f"{web.url}/a"))))
    web.replies = {"/a": NEW}
    seen = app_version.observe(run.connection, run.subject, AppVersion(), run.look(record=False))
    assert str(app_version.live_in_new(seen)).startswith("api 2.0.0 on 127.0.0.1:")
