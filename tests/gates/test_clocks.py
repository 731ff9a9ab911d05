"""Clocks that are off by ten minutes, of app hosts, of what is asked, or of who asks, change no verdict."""

from __future__ import annotations

import ast
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import crossfade
from crossfade import Engine
from crossfade.gates.app_version import Observation, judge
from crossfade.gates.sources import http, prometheus
from crossfade.gates.sources.gather import sighted
from crossfade.gates.sources.workloads import POD, read
from crossfade.gates.verdict import Verdict
from crossfade.plan.apps import App
from crossfade.plan.gates import AppVersion
from crossfade.plan.load import parse_plan
from crossfade.plan.sources import HttpInstances, KubernetesWorkloads, PrometheusQuery

from .answering import Answering, Reply, answering
from .kubernetes_objects import pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.gates.sources.answer import Answer

    from ..fixtures.database import Database

PASS, BLOCKED, UNKNOWN = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TTL = timedelta(seconds=60)
SHIFTS = [-600, 0, 600]
VERDICTS = {"2.0.0": PASS, "1.4.0": BLOCKED, "latest": UNKNOWN}
LOCAL_CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")} | {
    ("time", name) for name in ("time", "time_ns", "localtime", "gmtime")
}
MAY_READ_IT = {"workflow/doctor.py", "notify/sending.py", "cli/export.py"}
"""What compares the two clocks, the time in a signature that a receiver checks by its own, and in names of files."""


def verdict(source: str, entry: dict[str, Any], answer: Answer) -> Verdict:
    """Of an app that has only this source."""
    app = App.model_validate({"scheme": "semver", "new": ">=2.0.0", "sources": ({source: entry},)})
    found = sighted("api", source, answer, NOW)
    seen = Observation(
        now=NOW, apps={"api": app}, sightings=found.sightings, proofs=found.proofs, failures=found.failures
    )
    return judge(seen, AppVersion()).verdict


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with answering() as made:
        yield made


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("version", VERDICTS)
def test_the_clock_of_prometheus_changes_no_verdict(web: Answering, version: str, shift: float) -> None:
    clock = time.time() + shift
    entry = {"url": web.url, "query": "app_info"}

    def asked(age: float) -> Verdict:
        sample = {"metric": {"version": version, "instance": "a"}, "value": [clock - age, "1"]}
        body = {"status": "success", "data": {"resultType": "vector", "result": [sample]}}
        web.replies = {"/api/v1/query": Reply(body, headers={"Date": formatdate(clock, usegmt=True)})}
        answer = prometheus.observe("api", PrometheusQuery.model_validate(entry), TTL)
        return verdict("prometheus", entry, answer)

    assert asked(age=5) is VERDICTS[version]
    assert asked(age=70) is UNKNOWN, "stale by its own clock"


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("version", VERDICTS)
def test_the_clock_of_an_instance_that_is_asked_changes_no_verdict(web: Answering, version: str, shift: float) -> None:
    clock = time.time() + shift
    body = {"version": version, "started_at": clock, "now": formatdate(clock)}
    web.replies = {"/version": Reply(body, headers={"Date": formatdate(clock, usegmt=True), "Age": "600"})}
    entry = {"urls": (f"{web.url}/version",)}
    answer = http.observe("api", HttpInstances.model_validate(entry))
    assert verdict("http", entry, answer) is VERDICTS[version]


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize(("version", "expected"), VERDICTS.items())
def test_the_times_of_a_cluster_change_no_verdict(version: str, expected: Verdict, shift: float) -> None:
    when = datetime.fromtimestamp(time.time() + shift, UTC).isoformat()
    entry = {"namespace": "shop", "selector": "app=api"}
    running = pod("api-1", f"api:{version}")
    running["metadata"]["creationTimestamp"] = running["status"]["startTime"] = when
    for condition in running["status"]["conditions"]:
        condition["lastTransitionTime"] = when
    answer = read([(POD, running)], KubernetesWorkloads.model_validate(entry))
    assert verdict("kubernetes", entry, answer) is expected
    ending = pod("api-1", f"api:{version}", ending=when)
    answer = read([(POD, ending)], KubernetesWorkloads.model_validate(entry))
    assert verdict("kubernetes", entry, answer) is (UNKNOWN if expected is PASS else expected), "one that ends"


def test_what_apps_call_takes_no_time_of_theirs(database: Database) -> None:
    with Engine(database.url) as engine:
        engine.init()
    arguments = database.execute(
        "SELECT DISTINCT t::regtype::text FROM pg_proc p, unnest(p.proargtypes) t"
        " WHERE p.pronamespace = 'crossfade'::regnamespace AND p.proname IN ('heartbeat', 'can_i_run')"
    )
    assert arguments == [("text",)]
    app = database.connect(autocommit=True, options="-c timezone=Pacific/Kiritimati -c datestyle=german")
    app.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-1'), crossfade.can_i_run('api', '2.0.0')")
    seen = database.execute("SELECT last_seen BETWEEN now() - interval '1 min' AND now() FROM crossfade.sightings")
    assert seen == [(True,), (True,)]


def _reads_local_clock(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    if not any(name in text for _, name in LOCAL_CLOCKS if name != "time") and "time.time" not in text:
        return False
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if (owner, node.attr) in LOCAL_CLOCKS:
                return True
    return False


def test_nothing_asks_this_machines_clock_what_time_it_is() -> None:
    """Only how long something took, which time.monotonic says."""
    root = Path(crossfade.__file__).parent
    found = {str(path.relative_to(root)) for path in root.rglob("*.py") if _reads_local_clock(path)}
    assert found <= MAY_READ_IT
    assert "workflow/doctor.py" in found, "this test would find one"


PLAN = """
crossfade: 1
name: clocks
apps:
  api: {scheme: semver, new: ">=2.0.0", sources: [heartbeat, record]}
changes: [{rename_column: {table: users, from: email, to: address}}]
hold: 5m
"""
AGED = "UPDATE crossfade.sightings SET first_seen = now() - %s::interval, last_seen = now() - %s::interval"
PASSING = "UPDATE crossfade.passing SET since = now() - interval '6 min', seen_at = now() - interval '2 s'"


@pytest.mark.parametrize("shift", [-600, 600])
def test_who_asks_with_a_clock_that_is_off_gets_the_same_answer(
    database: Database, monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    """Fresh and stale, a record, and a hold: whatever the verdict says goes by the database."""
    genuine = time.time
    monkeypatch.setattr(time, "time", lambda: genuine() + shift)
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text)")
    with Engine(database.url) as engine:
        plan = parse_plan(PLAN, "plan.yaml")
        engine.expand(plan)
        engine.backfill(plan)

        def asked() -> tuple[str, str]:
            gate = next(g for g in engine.gates("clocks").as_json()["gates"] if g["kind"] == "app_version")
            return gate["verdict"], gate["reason"]

        engine.heartbeat("api", "1.4.0", "old")
        engine.record("api", "2.0.0")
        engine.heartbeat("api", "2.0.0", "new")
        assert asked()[0] == "BLOCKED"
        database.execute(AGED, ["10 min", "10 min"])
        assert asked()[0] == "UNKNOWN", "nothing is fresh"
        engine.heartbeat("api", "2.0.0", "new")
        verdict, reason = asked()
        assert (verdict, "has to for 5m" in reason) == ("BLOCKED", True), reason
        database.execute(PASSING)
        assert asked()[0] == "PASS", "the hold is over"
