"""The sources `http` and `prometheus` against local servers that answer, fail, hang and lie."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.gates.sources import http, prometheus
from crossfade.gates.sources.answer import Answer
from crossfade.plan.sources import HttpInstances, PrometheusQuery

from .answering import Answering, Reply, answering, unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_772_366_400.0
TTL = timedelta(seconds=60)
QUERY = "/api/v1/query"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def web() -> Iterator[Answering]:
    with answering() as made:
        yield made


def instances(*urls: str, **facts: Any) -> HttpInstances:
    return HttpInstances.model_validate({"urls": urls, "timeout": "30s", **facts})


def versions(answer: Answer) -> list[str]:
    return [seen.version for seen in answer.seen]


def test_each_instance_is_asked_at_its_own_address(web: Answering) -> None:
    web.replies = {"/a": Reply({"version": "2.0.0"}), "/b": Reply({"version": "1.4.0"})}
    answer = http.observe("api", instances(f"{web.url}/a", f"{web.url}/b"))
    assert versions(answer) == ["2.0.0", "1.4.0"]
    assert len({seen.instance for seen in answer.seen}) == 2
    assert not answer.failures
    assert sorted(path for path, _, _ in web.asked) == ["/a", "/b"]


def test_one_that_does_not_answer_is_a_failure_beside_those_that_do(web: Answering) -> None:
    web.replies = {"/a": Reply({"version": "2.0.0"}), "/down": Reply(status=503)}
    with unreachable() as nowhere:
        answer = http.observe("api", instances(f"{web.url}/a", f"{web.url}/down", f"{nowhere}/version"))
    assert versions(answer) == ["2.0.0"]
    assert [f.split(": ")[0] for f in answer.failures] == [
        f"{web.url}/down answers 503, not 200",
        f"{nowhere}/version",
    ]


def test_one_that_hangs_holds_up_no_other(web: Answering) -> None:
    web.replies = {"/a": Reply({"version": "2.0.0"}), "/slow": Reply(hangs=True)}
    entry = instances(f"{web.url}/slow", f"{web.url}/a", timeout="1s")
    answer = http.observe("api", entry)
    assert versions(answer) == ["2.0.0"]
    assert len(answer.failures) == 1
    assert answer.failures[0].startswith(f"{web.url}/slow: ")


def test_a_redirect_is_not_followed(web: Answering) -> None:
    web.replies = {"/a": Reply(status=302, headers={"Location": "/b"}), "/b": Reply({"version": "2.0.0"})}
    answer = http.observe("api", instances(f"{web.url}/a"))
    assert answer == Answer(failures=(f"{web.url}/a answers 302, not 200",))
    assert len(web.asked) == 1


def test_the_token_comes_from_the_environment_and_is_never_shown(
    web: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.replies = {"/a": Reply({"version": "2.0.0"})}
    entry = instances(f"{web.url}/a?key=s3cret", token_env="STATUS_TOKEN")
    monkeypatch.delenv("STATUS_TOKEN", raising=False)
    answer = http.observe("api", entry)
    assert answer.failures == ("the environment variable STATUS_TOKEN is not set; set it where crossfade runs",)
    assert web.asked == []
    monkeypatch.setenv("STATUS_TOKEN", "s3cret\n")
    assert versions(http.observe("api", entry)) == ["2.0.0"]
    assert web.asked == [("/a", {"key": "s3cret"}, "Bearer s3cret")]
    monkeypatch.setenv("STATUS_TOKEN", "s3cret\nX-Other: 1")
    refused = http.observe("api", entry)
    assert refused.failures == ("the environment variable STATUS_TOKEN has no token that can be sent",)
    web.replies = {}
    monkeypatch.setenv("STATUS_TOKEN", "s3cret")
    assert "s3cret" not in str(http.observe("api", entry))


def test_an_answer_without_an_end_is_not_read_to_it(web: Answering) -> None:
    web.replies = {"/a": Reply(b" " * (17 << 20))}
    answer = http.observe("api", instances(f"{web.url}/a"))
    assert answer == Answer(failures=(f"{web.url}/a: the answer is larger than 16 MB",))


def asked(web: Answering, reply: Reply, *, clock: float = NOW, **facts: Any) -> Answer:
    # Prometheus' own clock is what its samples are measured by, whatever ours says.
    web.replies = {QUERY: replace(reply, headers={"Date": formatdate(clock, usegmt=True)})}
    entry = {"url": web.url, "query": 'app_info{app="api"}', "timeout": "30s", **facts}
    return prometheus.observe("api", PrometheusQuery.model_validate(entry), TTL)


def found(*versions: str, at: float = NOW, **also: Any) -> dict[str, Any]:
    """What Prometheus 2 and 3 answer to an instant query."""
    result = [
        {"metric": {"__name__": "app_info", "instance": f"10.0.0.{n}:8080", "version": v}, "value": [at, "1"]}
        for n, v in enumerate(versions)
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}, **also}


def test_the_series_of_an_instant_query_are_the_instances(web: Answering) -> None:
    answer = asked(web, Reply(found("2.0.0", "1.4.0")))
    assert versions(answer) == ["2.0.0", "1.4.0"]
    assert not answer.failures
    assert all(seen.proves for seen in answer.seen)
    assert web.asked == [(QUERY, {"query": 'app_info{app="api"}'}, None)]


@pytest.mark.parametrize("path", ["", "/"])
def test_a_slash_at_the_end_of_its_address_says_nothing(web: Answering, path: str) -> None:
    assert versions(asked(web, Reply(found("2.0.0")), url=web.url + path)) == ["2.0.0"]


def test_other_labels_are_read_where_the_plan_names_them(web: Answering) -> None:
    document = found("2.0.0")
    document["data"]["result"][0]["metric"] = {"release": "1.4.0", "pod": "api-7f9c", "version": "9"}
    (seen,) = asked(web, Reply(document), version="release", instance="pod").seen
    assert (seen.version, seen.instance) == ("1.4.0", "api-7f9c")


def test_a_refusal_says_what_prometheus_says(web: Answering) -> None:
    error = {"status": "error", "errorType": "bad_data", "error": 'invalid parameter "query"'}
    answer = asked(web, Reply(error, 400))
    assert answer == Answer(failures=('the query fails: bad_data: invalid parameter "query"',))


@pytest.mark.parametrize("status", [200, 401, 502])
def test_a_page_that_is_no_json_is_no_answer(web: Answering, status: int) -> None:
    answer = asked(web, Reply(b"<html>Bad gateway</html>", status))
    assert answer == Answer(
        failures=(f"{web.url}{QUERY} answers {status}: the answer is not JSON that has one meaning",)
    )


def test_prometheus_that_hangs_or_is_away_is_a_failure(web: Answering) -> None:
    answer = asked(web, Reply(hangs=True), timeout="200ms")
    assert not answer.seen
    assert answer.failures
    with unreachable() as nowhere:
        answer = asked(web, Reply(), url=nowhere)
    assert not answer.seen
    assert answer.failures[0].startswith(f"{nowhere}{QUERY}: ")


@pytest.mark.parametrize("status", [302, 503])
def test_an_answer_with_another_status_is_none(web: Answering, status: int) -> None:
    answer = asked(web, Reply(found("2.0.0"), status))
    assert answer == Answer(failures=(f"{web.url}{QUERY} answers {status}, not 200",))


def test_what_a_cache_hands_out_is_as_old_as_it_says(web: Answering) -> None:
    old = Reply(found("2.0.0"), headers={"Date": formatdate(NOW, usegmt=True), "Age": "600"})
    web.replies = {QUERY: old}
    answer = prometheus.observe("api", PrometheusQuery.model_validate({"url": web.url, "query": "app_info"}), TTL)
    assert answer.seen == ()
    assert "10m old" in answer.failures[0]


def test_a_document_with_a_key_twice_has_no_one_meaning(web: Answering) -> None:
    web.replies = {"/a": Reply(b'{"version": "1.0.0", "version": "2.0.0"}')}
    answer = http.observe("api", instances(f"{web.url}/a"))
    assert answer == Answer(failures=(f"{web.url}/a: the answer is not JSON that has one meaning",))


def test_a_token_is_sent_to_prometheus(web: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROM_TOKEN", "s3cret")
    asked(web, Reply(found("2.0.0")), token_env="PROM_TOKEN")
    assert [token for _, _, token in web.asked] == ["Bearer s3cret"]


def test_partial_warnings_are_told(web: Answering) -> None:
    answer = asked(web, Reply(found("2.0.0", warnings=["store 10.0.0.9 is away"])))
    assert versions(answer) == ["2.0.0"]
    assert answer.failures == ("the answer is partial: store 10.0.0.9 is away",)


def test_many_series_that_cannot_be_read_are_told_in_short(web: Answering) -> None:
    answer = asked(web, Reply(found(*["2.0.0"] * 40, at=NOW - 600)))
    assert not answer.seen
    assert len(answer.failures) == 6
    assert answer.failures[-1] == "35 more of the kind"


@pytest.mark.parametrize(("late", "fresh"), [(0, True), (60, True), (62, False), (-61, False)])
def test_a_sample_is_as_old_as_prometheus_own_clock_says(web: Answering, late: float, fresh: bool) -> None:
    answer = asked(web, Reply(found("2.0.0")), clock=NOW + late)
    assert bool(answer.seen) is fresh
    assert bool(answer.failures) is not fresh


@pytest.mark.parametrize("headers", [{}, {"Date": "some day"}])
def test_without_that_clock_no_sample_counts(web: Answering, headers: dict[str, str]) -> None:
    web.replies = {QUERY: Reply(found("2.0.0", at=time.time()), headers=headers)}
    entry = PrometheusQuery.model_validate({"url": web.url, "query": "app_info"})
    answer = prometheus.observe("api", entry, TTL)
    assert not answer.seen
    assert answer.failures == ("the answer has no Date by which its samples could be dated",)
