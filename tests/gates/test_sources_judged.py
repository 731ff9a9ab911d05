"""What each source's answer makes of the gate `app_version`: every source, every way to be right or wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crossfade.gates.app_version import Observation, judge, live_in_new
from crossfade.gates.request import Page
from crossfade.gates.sightings import Sighting
from crossfade.gates.sources import http, pgbouncer, prometheus, workloads
from crossfade.gates.sources.answer import Answer, Seen, Unreadable, failed
from crossfade.gates.sources.gather import Failure, sighted
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.apps import App
from crossfade.plan.gates import AppVersion
from crossfade.plan.sources import KubernetesWorkloads, PgbouncerClients, PrometheusQuery

from .kubernetes_objects import cron_job, pod, workload

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNIX = NOW.timestamp()
TTL = timedelta(seconds=60)
PASS, BLOCKED, UNKNOWN = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN
OLD, NEW, GARBLED = "1.4.0", "2.0.0", "main-ab12cd3"

URLS = ("http://10.0.0.7:8080/version", "http://10.0.0.8:8080/version")
SOURCES: dict[str, dict[str, Any]] = {
    "http": {"urls": URLS},
    "prometheus": {"url": "http://prometheus:9090", "query": "app_info"},
    "pgbouncer": {"url_env": "PGBOUNCER_URL", "database": "shop"},
    "kubernetes": {"namespace": "shop", "selector": "app=api"},
}
PROMETHEUS = PrometheusQuery.model_validate(SOURCES["prometheus"])
PGBOUNCER = PgbouncerClients.model_validate(SOURCES["pgbouncer"])
KUBERNETES = KubernetesWorkloads.model_validate(SOURCES["kubernetes"])


def app(*sources: str, **facts: Any) -> App:
    listed = tuple({s: SOURCES[s]} if s in SOURCES else s for s in sources)
    return App.model_validate({"scheme": "semver", "new": ">=2.0.0", "sources": listed, **facts})


def kept(version: str, by: str, *, age: float = 1, instance: str = "pod-a", first: float | None = None) -> Sighting:
    return Sighting(
        app="api",
        version=version,
        instance=instance,
        source=by,
        host=None,
        first_seen=NOW - timedelta(seconds=age if first is None else first),
        last_seen=NOW - timedelta(seconds=age),
        age_seconds=age,
    )


def judged(source: str, answer: Answer, *besides: Sighting, **facts: Any) -> Judgement:
    """Of an app that lists the source and heartbeats."""
    found = sighted("api", source, answer, NOW)
    seen = Observation(
        now=NOW,
        apps={"api": app("heartbeat", source, **facts)},
        sightings=(*found.sightings, *besides),
        proofs=found.proofs,
        failures=found.failures,
    )
    return judge(seen, AppVersion())


def series(version: Any, *, instance: Any = "10.0.0.7:8080", age: float = 1, value: Any = "1") -> dict[str, Any]:
    return {"metric": {"__name__": "app_info", "version": version, "instance": instance}, "value": [UNIX - age, value]}


def vector(*result: Any, **also: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": list(result)}, **also}


def without(name: str, found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "metric": {k: v for k, v in found["metric"].items() if k != name}}


OTHER: dict[str, Any] = {"instance": "10.0.0.8:8080"}
FAILS = {"status": "error", "errorType": "bad_data", "error": "parse error"}
PROMETHEUS_CASES: dict[str, tuple[Any, Verdict]] = {
    "right": (vector(series(NEW)), PASS),
    "right, of two": (vector(series(NEW), series("2.1.0", **OTHER)), PASS),
    "right, at the end of the ttl": (vector(series(NEW, age=60)), PASS),
    "right, a second ahead": (vector(series(NEW, age=-1)), PASS),
    "right, with infos": (vector(series(NEW), infos=["metric might not be a counter"]), PASS),
    "right, a count": (vector(series(NEW, value="12")), PASS),
    "old": (vector(series(OLD)), BLOCKED),
    "old, its target down": (vector(series(OLD, value="0")), BLOCKED),
    "mixed": (vector(series(NEW), series(OLD, **OTHER)), BLOCKED),
    "one instance at both": (vector(series(NEW), series(OLD)), BLOCKED),
    "a version that is none": (vector(series(GARBLED)), UNKNOWN),
    "a version that is none, and a new one": (vector(series(NEW), series(GARBLED, **OTHER)), UNKNOWN),
    "a version that is none, and an old one": (vector(series(OLD), series(GARBLED, **OTHER)), BLOCKED),
    "none": (vector(), UNKNOWN),
    "stale": (vector(series(NEW, age=61)), UNKNOWN),
    "stale and old": (vector(series(OLD, age=61)), UNKNOWN),
    "a stale old one beside a new one": (vector(series(NEW), series(OLD, age=61, **OTHER)), UNKNOWN),
    "a stale new one beside an old one": (vector(series(OLD), series(NEW, age=61, **OTHER)), BLOCKED),
    "ten minutes ahead": (vector(series(NEW, age=-600)), UNKNOWN),
    "new, its target down": (vector(series(NEW, value="0")), UNKNOWN),
    "NaN": (vector(series(NEW, value="NaN")), UNKNOWN),
    "NaN, old": (vector(series(OLD, value="NaN")), UNKNOWN),
    "NaN beside a new one": (vector(series(NEW), series(NEW, value="NaN", **OTHER)), UNKNOWN),
    "NaN beside an old one": (vector(series(OLD), series(NEW, value="NaN", **OTHER)), BLOCKED),
    "infinite": (vector(series(NEW, value="+Inf")), UNKNOWN),
    "below zero": (vector(series(NEW, value="-1")), UNKNOWN),
    "a value that is a word": (vector(series(NEW, value="yes")), UNKNOWN),
    "a time that is NaN": (vector(series(NEW, age=float("nan"))), UNKNOWN),
    "a time that is none": (vector({**series(NEW), "value": [None, "1"]}), UNKNOWN),
    "a sample of one part": (vector({**series(NEW), "value": ["1"]}), UNKNOWN),
    "a native histogram": (vector({"metric": series(NEW)["metric"], "histogram": [UNIX, {}]}), UNKNOWN),
    "partial": (vector(series(NEW), warnings=["1 of 2 stores did not answer"]), UNKNOWN),
    "partial and old": (vector(series(OLD), warnings=["1 of 2 stores did not answer"]), BLOCKED),
    "warnings that are a number": (vector(series(NEW), warnings=7), UNKNOWN),
    "no version": (vector(without("version", series(NEW))), UNKNOWN),
    "no version beside a new one": (vector(series(NEW), without("version", series(NEW))), UNKNOWN),
    "no instance": (vector(without("instance", series(NEW))), UNKNOWN),
    "an empty version": (vector(series("")), UNKNOWN),
    "a version with a zero byte": (vector(series("2.0.0\0")), UNKNOWN),
    "an unpaired surrogate": (vector(series(NEW, instance="\ud800")), UNKNOWN),
    "a series that is a number": (vector(7), UNKNOWN),
    "no labels at all": (vector({"value": [UNIX, "1"]}), UNKNOWN),
    "an error": (FAILS, UNKNOWN),
    "an error with data": ({**vector(series(NEW)), **FAILS}, UNKNOWN),
    "a matrix": ({"status": "success", "data": {"resultType": "matrix", "result": [series(NEW)]}}, UNKNOWN),
    "a scalar": ({"status": "success", "data": {"resultType": "scalar", "result": [UNIX, "1"]}}, UNKNOWN),
    "a result that is none": ({"status": "success", "data": {"resultType": "vector", "result": None}}, UNKNOWN),
    "no data": ({"status": "success"}, UNKNOWN),
    "a list": ([], UNKNOWN),
    "null": (None, UNKNOWN),
    "a text": ("PASS", UNKNOWN),
}


def of_prometheus(document: Any) -> Answer:
    try:
        return prometheus.read(document, PROMETHEUS, ttl=TTL, now=UNIX)
    except Unreadable as error:
        return failed(str(error))


@pytest.mark.parametrize("case", PROMETHEUS_CASES)
def test_prometheus_says(case: str) -> None:
    document, verdict = PROMETHEUS_CASES[case]
    assert judged("prometheus", of_prometheus(document)).verdict is verdict


def page(document: Any, status: int = 200) -> Page:
    return Page(status=status, body=document if isinstance(document, bytes) else json.dumps(document).encode())


RIGHT = page({"version": NEW})
HTTP_CASES: dict[str, tuple[list[Page | str], Verdict]] = {
    "right": ([RIGHT, RIGHT], PASS),
    "right, more in it": ([page({"version": "2.1.0", "ok": False})], PASS),
    "old": ([page({"version": OLD})], BLOCKED),
    "mixed": ([RIGHT, page({"version": OLD})], BLOCKED),
    "a version that is none": ([RIGHT, page({"version": GARBLED})], UNKNOWN),
    "an empty version": ([page({"version": ""})], UNKNOWN),
    "unreachable": (["connection refused"], UNKNOWN),
    "partial": ([RIGHT, "connection refused"], UNKNOWN),
    "partial and old": ([page({"version": OLD}), "connection refused"], BLOCKED),
    "slow": ([RIGHT, "no answer within 5s"], UNKNOWN),
    "another status": ([RIGHT, page({"version": NEW}, 503)], UNKNOWN),
    "old with another status": ([page({"version": OLD}, 500)], UNKNOWN),
    "a redirect": ([page(b"", 302)], UNKNOWN),
    "no content": ([page(b"", 204)], UNKNOWN),
    "garbage": ([page(b"<html>2.0.0</html>")], UNKNOWN),
    "bytes that are no text": ([page(b"\xff\xfe\x00")], UNKNOWN),
    "nested without an end": ([page(b"[" * 200_000)], UNKNOWN),
    "cut short": ([page(b'{"version": "2.0.0"')], UNKNOWN),
    "nothing": ([page(b"")], UNKNOWN),
    "no version": ([page({"build": NEW})], UNKNOWN),
    "null": ([page({"version": None})], UNKNOWN),
    "a number with a point": ([page({"version": 2.10})], UNKNOWN),
    "NaN": ([page(b'{"version": NaN}')], UNKNOWN),
    "true": ([page({"version": True})], UNKNOWN),
    "a list": ([page([{"version": NEW}])], UNKNOWN),
    "the version in a list": ([page({"version": [NEW]})], UNKNOWN),
}


def of_http(pages: list[Page | str]) -> Answer:
    seen, failures = [], []
    for url, found in zip(URLS, pages, strict=False):
        if isinstance(found, str):
            failures.append(found)
            continue
        try:
            seen.append(http.read(url, found, "version"))
        except Unreadable as error:
            failures.append(str(error))
    return Answer(seen=tuple(seen), failures=tuple(failures))


@pytest.mark.parametrize("case", HTTP_CASES)
def test_http_says(case: str) -> None:
    pages, verdict = HTTP_CASES[case]
    assert judged("http", of_http(pages)).verdict is verdict


def test_a_whole_number_is_a_version_of_an_app_that_counts() -> None:
    answer = of_http([page({"version": 412})])
    assert judged("http", answer, scheme="integer", new=">=412").verdict is PASS
    assert judged("http", answer, scheme="integer", new=">=413").verdict is BLOCKED


def test_a_number_with_a_point_is_none_since_it_may_have_lost_a_zero() -> None:
    answer = of_http([page({"version": 2.10})])
    assert judged("http", answer, scheme="calver", new=">=2.1").verdict is UNKNOWN
    answer = of_http([page({"version": "2.10"})])
    assert judged("http", answer, scheme="calver", new=">=2.1").verdict is PASS


def test_a_version_is_found_at_names_and_positions() -> None:
    found = http.read(URLS[0], page({"build": [{"v": OLD}, {"v": NEW}]}), "build.1.v")
    assert found == Seen(version=NEW, instance="10.0.0.7:8080/version", host="10.0.0.7")


def client(name: str | None, **also: Any) -> dict[str, Any]:
    return {"type": "C", "database": "shop", "application_name": name, "addr": "10.0.0.7", "port": 40112, **also}


PGBOUNCER_CASES: dict[str, tuple[list[dict[str, Any]], Verdict]] = {
    "right": ([client("api@2.0.0/pod-a")], PASS),
    "right, with its host added": ([client("api@2.0.0 - 10.0.0.7:40112")], PASS),
    "right, and others": ([client("api@2.0.0/pod-a"), client("psql"), client(""), client(None)], PASS),
    "old": ([client("api@1.4.0/pod-a")], BLOCKED),
    "old, without an instance": ([client("api@1.4.0")], BLOCKED),
    "mixed": ([client("api@2.0.0/pod-a"), client("api@1.4.0/pod-b")], BLOCKED),
    "one instance at both": ([client("api@2.0.0/pod-a"), client("api@1.4.0/pod-a")], BLOCKED),
    "none": ([], UNKNOWN),
    "names that say nothing": ([client("psql"), client("")], UNKNOWN),
    "another app": ([client("worker@2.0.0")], UNKNOWN),
    "another database": ([client("api@2.0.0", database="other")], UNKNOWN),
    "old in another database": ([client("api@2.0.0/a"), client("api@1.4.0/b", database="other")], PASS),
    "a version that is none": ([client("api@2.0.0/a"), client("api@main/b")], UNKNOWN),
    "no version": ([client("api@")], UNKNOWN),
    "no such column": ([{"type": "C", "database": "shop", "addr": "10.0.0.7", "port": 1}], UNKNOWN),
}


def of_pgbouncer(rows: list[dict[str, Any]]) -> Answer:
    try:
        return pgbouncer.read(rows, "api", PGBOUNCER)
    except Unreadable as error:
        return failed(str(error))


@pytest.mark.parametrize("case", PGBOUNCER_CASES)
def test_pgbouncer_says(case: str) -> None:
    rows, verdict = PGBOUNCER_CASES[case]
    assert judged("pgbouncer", of_pgbouncer(rows)).verdict is verdict


I_OLD, I_NEW = "registry:5000/shop/api:1.4.0", "registry:5000/shop/api:2.0.0"
UP = ("Pod", pod("api-new", I_NEW))
RUNS = {"name": "api", "image": I_OLD, "state": {"running": {"startedAt": "2026-03-01T12:00:00Z"}}}


def running(written: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """The pod with a container that the kubelet says runs."""
    return written | {"status": written["status"] | {"containerStatuses": [RUNS | facts]}}


TWO = [{"name": "proxy", "image": "envoy:3.1.0"}, {"name": "api", "image": I_NEW}]
KUBERNETES_CASES: dict[str, tuple[list[tuple[str, Any]], Verdict]] = {
    "right": ([UP], PASS),
    "right, by tag and digest": ([("Pod", pod("a", f"{I_NEW}@sha256:{'0' * 64}"))], PASS),
    "right, with what starts it": ([UP, ("Deployment", workload("api", I_NEW, replicas=1))], PASS),
    "old": ([("Pod", pod("a", I_OLD))], BLOCKED),
    "mixed": ([UP, ("Pod", pod("b", I_OLD))], BLOCKED),
    "old and terminating": ([UP, ("Pod", pod("b", I_OLD, ending="2026-03-01T12:00:00Z"))], BLOCKED),
    "old and pending": ([UP, ("Pod", pod("b", I_OLD, phase="Pending"))], BLOCKED),
    "old and not ready": ([UP, ("Pod", pod("b", I_OLD, ready=False))], BLOCKED),
    "old on a node that is lost": ([UP, ("Pod", pod("b", I_OLD, phase="Unknown"))], BLOCKED),
    "old and done": ([UP, ("Pod", pod("b", I_OLD, phase="Succeeded"))], PASS),
    "old and evicted": ([UP, ("Pod", pod("b", I_OLD, phase="Failed"))], PASS),
    "old and failed, while its container runs on": (
        [UP, ("Pod", running(pod("b", I_OLD, phase="Failed")))],
        BLOCKED,
    ),
    "an image that was changed in place": ([UP, ("Pod", running(pod("b", I_NEW)))], BLOCKED),
    "what runs is what is wanted": ([("Pod", running(pod("b", I_NEW), image=I_NEW))], PASS),
    "what runs is known by its digest alone": (
        [("Pod", running(pod("b", I_NEW), image=f"sha256:{'0' * 64}"))],
        PASS,
    ),
    "new and terminating": ([("Pod", pod("a", I_NEW, ending="2026-03-01T12:00:00Z"))], UNKNOWN),
    "new and pending": ([("Pod", pod("a", I_NEW, phase="Pending"))], UNKNOWN),
    "new and not ready": ([("Pod", pod("a", I_NEW, ready=False))], UNKNOWN),
    "nothing but what can start new ones": ([("ReplicaSet", workload("a", I_NEW, replicas=3))], UNKNOWN),
    "an old ReplicaSet": ([UP, ("ReplicaSet", workload("a", I_OLD, replicas=1))], BLOCKED),
    "an old ReplicaSet of none": ([UP, ("ReplicaSet", workload("a", I_OLD, replicas=0))], PASS),
    "an old ReplicaSet that says no number": ([UP, ("ReplicaSet", workload("a", I_OLD))], BLOCKED),
    "an old Deployment": ([UP, ("Deployment", workload("a", I_OLD, replicas=2))], BLOCKED),
    "an old Deployment of none": ([UP, ("Deployment", workload("a", I_OLD, replicas=0))], PASS),
    "an old StatefulSet": ([UP, ("StatefulSet", workload("a", I_OLD, replicas=1))], BLOCKED),
    "an old DaemonSet": ([UP, ("DaemonSet", workload("a", I_OLD))], BLOCKED),
    "an old CronJob": ([UP, ("CronJob", cron_job("nightly", I_OLD))], BLOCKED),
    "an old CronJob that is suspended": ([UP, ("CronJob", cron_job("nightly", I_OLD, suspend=True))], PASS),
    "a new CronJob": ([UP, ("CronJob", cron_job("nightly", I_NEW))], PASS),
    "an old Job": ([UP, ("Job", workload("a", I_OLD))], BLOCKED),
    "an old Job that is suspended": ([UP, ("Job", workload("a", I_OLD, suspend=True))], BLOCKED),
    "an old Job that is over": (
        [UP, ("Job", workload("a", I_OLD) | {"status": {"conditions": [{"type": "Complete", "status": "True"}]}})],
        PASS,
    ),
    "an old Deployment of another app": ([UP, ("Deployment", workload("b", I_OLD, labels={"app": "b"}))], PASS),
    "none": ([], UNKNOWN),
    "the tag latest": ([UP, ("Pod", pod("b", "api:latest"))], UNKNOWN),
    "no tag, and a registry with a port": ([UP, ("Pod", pod("b", "registry:5000/shop/api"))], UNKNOWN),
    "a digest only": ([UP, ("Pod", pod("b", f"api@sha256:{'0' * 64}"))], UNKNOWN),
    "two containers": ([UP, ("Pod", pod("b", None, containers=TWO))], UNKNOWN),
    "two containers beside an old pod": ([("Pod", pod("a", I_OLD)), ("Pod", pod("b", None, containers=TWO))], BLOCKED),
    "no image": ([UP, ("Pod", pod("b", None))], UNKNOWN),
    "an object that is a text": ([UP, ("Pod", "api-7f9c")], UNKNOWN),
    "an object without a spec": ([UP, ("ReplicaSet", {"metadata": {"name": "a"}})], UNKNOWN),
    "conditions that are texts": ([UP, ("Pod", pod("b", I_NEW) | {"status": {"conditions": ["Ready"]}})], UNKNOWN),
    "labels that are a list": (
        [UP, ("Job", {"metadata": {"labels": ["app"]}, "spec": {"template": {"spec": {}}}})],
        UNKNOWN,
    ),
}


@pytest.mark.parametrize("case", KUBERNETES_CASES)
def test_kubernetes_says(case: str) -> None:
    objects, verdict = KUBERNETES_CASES[case]
    assert judged("kubernetes", workloads.read(objects, KUBERNETES)).verdict is verdict


@pytest.mark.parametrize(
    ("facts", "version"),
    [
        ({"container": "api"}, "2.0.0"),
        ({"container": "proxy"}, "3.1.0"),
        ({"version": "label", "label": "app.kubernetes.io/version"}, "2.7.0"),
        ({"container": "other"}, None),
        ({"version": "label", "label": "release"}, None),
    ],
)
def test_a_pods_version_is_where_the_plan_says(facts: dict[str, Any], version: str | None) -> None:
    entry = KubernetesWorkloads.model_validate({**SOURCES["kubernetes"], **facts})
    made = pod("a", None, containers=TWO, labels={"app.kubernetes.io/version": "2.7.0"})
    found = workloads.read([("Pod", made)], entry)
    assert [s.version for s in found.seen] == ([version] if version else [])
    assert len(found.failures) == (version is None)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("api:2.0.0", "2.0.0"),
        ("registry:5000/shop/api:2.0.0", "2.0.0"),
        ("registry:5000/shop/api", "latest"),
        ("api", "latest"),
        ("api:2.0.0@sha256:ab", "2.0.0"),
        ("api@sha256:ab", "sha256:ab"),
        ("registry:5000/api@sha256:ab", "sha256:ab"),
    ],
)
def test_an_images_version_is_its_tag(image: str, version: str) -> None:
    assert workloads.image_version(image) == version


RECORDED: dict[str, tuple[list[Sighting], Verdict]] = {
    "right": ([kept(NEW, "record")], UNKNOWN),
    "right, and a new heartbeat": ([kept(NEW, "record"), kept(NEW, "heartbeat")], PASS),
    "none, and a new heartbeat": ([kept(NEW, "heartbeat")], PASS),
    "old": ([kept(OLD, "record")], BLOCKED),
    "old, long ago": ([kept(OLD, "record", age=10**6), kept(NEW, "heartbeat")], BLOCKED),
    "old, then new": ([kept(OLD, "record", age=100), kept(NEW, "record", age=50), kept(NEW, "heartbeat")], PASS),
    "new, then old": ([kept(NEW, "record", age=100), kept(OLD, "record", age=50), kept(NEW, "heartbeat")], BLOCKED),
    "both at once": ([kept(NEW, "record"), kept(OLD, "record"), kept(NEW, "heartbeat")], BLOCKED),
    "old in another place": (
        [kept(OLD, "record", instance="eu"), kept(NEW, "record", instance="us"), kept(NEW, "heartbeat")],
        BLOCKED,
    ),
    "a version that is none": ([kept(GARBLED, "record"), kept(NEW, "heartbeat")], UNKNOWN),
    "right, with a stale heartbeat": ([kept(NEW, "record"), kept(NEW, "heartbeat", age=61)], UNKNOWN),
    "right, with an open connection": ([kept(NEW, "record"), kept(NEW, "activity")], UNKNOWN),
}


def recorded(*sightings: Sighting) -> Judgement:
    apps = {"api": app("heartbeat", "activity", "record")}
    return judge(Observation(now=NOW, apps=apps, sightings=sightings), AppVersion())


@pytest.mark.parametrize("case", RECORDED)
def test_records_say(case: str) -> None:
    sightings, verdict = RECORDED[case]
    assert recorded(*sightings).verdict is verdict


def test_a_deploy_back_is_said_as_such() -> None:
    back = recorded(kept(NEW, "record", age=9, instance="deploy"), kept(OLD, "record", age=3, instance="deploy"))
    assert back.reason == (
        "api has to be >=2.0.0; the last deployment on record is api 1.4.0 on deploy, recorded 3 s ago by record"
    )


@pytest.mark.parametrize(
    ("records", "since"),
    [
        ([kept(OLD, "record", age=720), kept(NEW, "record", age=300, first=700)], 700),
        ([kept(OLD, "record", age=500), kept(NEW, "record", age=300, first=700)], 300),
        ([kept(NEW, "record", age=300, first=700)], None),
    ],
)
def test_it_is_clear_since_the_record_of_the_new_version(records: list[Sighting], since: int | None) -> None:
    found = recorded(*records, kept(NEW, "heartbeat"))
    assert found.verdict is PASS
    assert found.clear_since == (None if since is None else NOW - timedelta(seconds=since))


def test_a_record_is_no_live_instance_of_the_new_version() -> None:
    apps = {"api": app("heartbeat", "record")}
    assert live_in_new(Observation(now=NOW, apps=apps, sightings=(kept(NEW, "record"),))) is None


ANSWERS = {
    **{f"prometheus: {case}": ("prometheus", of_prometheus(d), v) for case, (d, v) in PROMETHEUS_CASES.items()},
    **{f"http: {case}": ("http", of_http(p), v) for case, (p, v) in HTTP_CASES.items()},
    **{f"pgbouncer: {case}": ("pgbouncer", of_pgbouncer(r), v) for case, (r, v) in PGBOUNCER_CASES.items()},
    **{
        f"kubernetes: {case}": ("kubernetes", workloads.read(o, KUBERNETES), v)
        for case, (o, v) in KUBERNETES_CASES.items()
    },
    **{f"{source}: unreachable": (source, failed("connection refused"), UNKNOWN) for source in SOURCES},
}


SILENT = {
    "prometheus: new, its target down",
    "pgbouncer: none",
    "pgbouncer: names that say nothing",
    "pgbouncer: another app",
    "pgbouncer: another database",
    "kubernetes: new and terminating",
    "kubernetes: new and pending",
    "kubernetes: new and not ready",
    "kubernetes: nothing but what can start new ones",
    "kubernetes: none",
}
"""Answers that are whole and say neither yes nor no: they leave it to the heartbeats."""


@pytest.mark.parametrize("case", ANSWERS)
def test_beside_heartbeats_an_answer_still_blocks_and_what_is_not_whole_still_keeps_from_passing(case: str) -> None:
    source, answer, verdict = ANSWERS[case]
    assert judged(source, answer, kept(OLD, "heartbeat")).verdict is BLOCKED
    expected = PASS if case in SILENT else verdict
    assert judged(source, answer, kept(NEW, "heartbeat")).verdict is expected


@pytest.mark.parametrize("source", SOURCES)
def test_what_an_outside_source_saw_before_may_block_and_proves_nothing(source: str) -> None:
    nothing = Answer()
    assert judged(source, nothing, kept(OLD, source)).verdict is BLOCKED
    assert judged(source, nothing, kept(OLD, source), kept(NEW, "heartbeat")).verdict is BLOCKED
    assert judged(source, nothing, kept(OLD, source, age=61), kept(NEW, "heartbeat")).verdict is PASS
    assert judged(source, nothing, kept(NEW, source)).verdict is UNKNOWN
    assert judged(source, Answer(seen=(Seen(version=NEW, instance="a"),)), kept(OLD, source)).verdict is BLOCKED


def test_two_sources_that_name_an_instance_differently_do_not_make_two_of_it() -> None:
    answer = Answer(seen=(Seen(version=NEW, instance="pod api-1"), Seen(version=NEW, instance="pod api-2")))
    hearts = [kept(NEW, "heartbeat", instance=f"api-{n}") for n in (1, 2)]
    assert judged("kubernetes", answer, *hearts, expect=2).verdict is PASS
    assert judged("kubernetes", answer, *hearts, expect=3).verdict is UNKNOWN


def test_a_failure_of_one_app_is_not_one_of_another() -> None:
    apps = {"api": app("heartbeat"), "worker": app("heartbeat")}
    failure = Failure(app="worker", source="http", reason="connection refused")
    seen = Observation(now=NOW, apps=apps, sightings=(kept(NEW, "heartbeat"),), failures=(failure,))
    found = judge(seen, AppVersion())
    assert found.verdict is UNKNOWN
    assert found.reason == "http of worker cannot be relied on: connection refused"
    assert found.evidence["failures"] == [{"app": "worker", "source": "http", "reason": "connection refused"}]


def test_who_blocks_is_named_with_what_it_is() -> None:
    objects = [("Pod", pod("api-7f9c", I_OLD, ending="2026-03-01T12:00:00Z")), ("CronJob", cron_job("nightly", I_OLD))]
    reason = judged("kubernetes", workloads.read(objects, KUBERNETES)).reason
    assert "api 1.4.0 on terminating pod api-7f9c (node-3), seen 0 s ago by kubernetes and CronJob nightly" in reason


def test_why_it_does_not_pass_is_said() -> None:
    only = judged("kubernetes", Answer(seen=(Seen(version=NEW, instance="pending pod a", proves=False),))).reason
    assert only.endswith("seen in the last 1m, and what kubernetes has is no proof that one serves")
    reason = judged("prometheus", of_prometheus(vector(series(OLD, age=3600)))).reason
    assert reason == (
        "prometheus of api cannot be relied on: the sample of 1.4.0 on 10.0.0.7:8080 is 1h old, more than 1m"
    )
