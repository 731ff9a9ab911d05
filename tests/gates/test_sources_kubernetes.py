"""The source `kubernetes`, by the official client against a local server that speaks the API's JSON."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.gates.sources.answer import Answer
from crossfade.gates.sources.kubernetes import observe
from crossfade.plan.sources import KubernetesWorkloads

from .answering import Answering, Query, Reply, answering, unreachable
from .kubernetes_objects import cron_job, pod, workload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

I_OLD, I_NEW = "registry:5000/shop/api:1.4.0", "registry:5000/shop/api:2.0.0"
PODS = "/api/v1/namespaces/shop/pods"
LISTS = {
    "PodList": PODS,
    "ReplicaSetList": "/apis/apps/v1/namespaces/shop/replicasets",
    "DeploymentList": "/apis/apps/v1/namespaces/shop/deployments",
    "StatefulSetList": "/apis/apps/v1/namespaces/shop/statefulsets",
    "DaemonSetList": "/apis/apps/v1/namespaces/shop/daemonsets",
    "JobList": "/apis/batch/v1/namespaces/shop/jobs",
    "CronJobList": "/apis/batch/v1/namespaces/shop/cronjobs",
}
CONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts:
- {{name: here, context: {{cluster: local, user: reader}}}}
- {{name: elsewhere, context: {{cluster: away, user: reader}}}}
clusters:
- {{name: local, cluster: {{server: "{url}"}}}}
- {{name: away, cluster: {{server: "{away}"}}}}
users:
- {{name: reader, user: {{token: s3cret}}}}
"""


def listed(kind: str, *items: Any, token: str = "") -> Reply:
    """A list as the API writes it."""
    version = "v1" if kind == "PodList" else "batch/v1" if LISTS[kind].startswith("/apis/batch") else "apps/v1"
    metadata = {"resourceVersion": "4711", **({"continue": token, "remainingItemCount": 1} if token else {})}
    return Reply({"kind": kind, "apiVersion": version, "metadata": metadata, "items": list(items)})


def status(code: int, reason: str) -> Reply:
    """A refusal as the API writes it."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": reason,
        "code": code,
    }
    return Reply(body, code)


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """An API in which nothing runs, and the kubeconfig that leads there."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with answering() as web, unreachable() as away:
        web.replies = {path: listed(kind) for kind, path in LISTS.items()}
        config = tmp_path / "config"
        config.write_text(CONFIG.format(url=web.url, away=away), encoding="utf-8")
        monkeypatch.setenv("KUBECONFIG", str(config))
        yield web


def asked(**facts: Any) -> Answer:
    entry = {"namespace": "shop", "selector": "app=api", "timeout": "30s", **facts}
    return observe("api", KubernetesWorkloads.model_validate(entry))


def has(api: Answering, kind: str, *items: Any) -> None:
    api.replies[LISTS[kind]] = listed(kind, *items)


def seen(answer: Answer) -> set[tuple[str, str, bool]]:
    return {(s.instance, s.version, s.proves) for s in answer.seen}


@pytest.mark.long
def test_pods_and_what_can_start_them_are_seen(api: Answering) -> None:
    has(api, "PodList", pod("a", I_NEW), pod("b", I_OLD, ending="2026-03-01T12:00:00Z"))
    has(api, "ReplicaSetList", workload("api-5d8", I_OLD, replicas=1), workload("api-4c7", I_OLD, replicas=0))
    has(api, "DeploymentList", workload("api", I_NEW, replicas=2), workload("b", I_OLD, labels={"app": "b"}))
    has(api, "CronJobList", cron_job("nightly", I_OLD), cron_job("weekly", I_OLD, suspend=True))
    answer = asked()
    assert not answer.failures
    assert seen(answer) == {
        ("pod a", "2.0.0", True),
        ("terminating pod b", "1.4.0", False),
        ("ReplicaSet api-5d8", "1.4.0", False),
        ("Deployment api", "2.0.0", False),
        ("CronJob nightly", "1.4.0", False),
    }
    assert next(s.host for s in answer.seen if s.instance == "pod a") == "node-3"
    assert [(path, query.get("labelSelector"), token) for path, query, token in api.asked] == [
        (path, "app=api" if path == PODS else None, "Bearer s3cret") for path in LISTS.values()
    ]


def test_a_namespace_without_the_labels_proves_nothing(api: Answering) -> None:
    has(api, "DeploymentList", workload("b", I_NEW, labels={"app": "b"}, replicas=1))
    assert asked() == Answer(failures=("nothing in shop has the labels app=api, which proves nothing",))


def paged(*pages: Reply) -> Callable[[Query], Reply]:
    """Each page but the first is asked for with the token of its number."""
    return lambda query: pages[int(query.get("continue", "0"))]


def test_a_list_is_read_to_its_end(api: Answering) -> None:
    api.replies[PODS] = paged(
        listed("PodList", pod("a", I_NEW), token="1"),
        listed("PodList", pod("b", I_NEW), token="2"),
        listed("PodList", pod("c", I_OLD)),
    )
    assert {name for name, _, _ in seen(asked())} == {"pod a", "pod b", "pod c"}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (status(410, "Expired"), "answers 410: the list has changed"),
        (status(403, "Forbidden"), "answers 403: the right to list them is missing"),
        (status(401, "Unauthorized"), "answers 401"),
        (status(404, "NotFound"), "answers 404"),
        (status(429, "TooManyRequests"), "answers 429"),
        (status(500, "InternalError"), "answers 500"),
        (Reply(b"<html>", 200), "the answer is not JSON"),
        (Reply(b'{"items": [', 200), "the answer is not JSON"),
        (Reply([], 200), "the answer is not what it should be"),
        (Reply({"kind": "Status"}, 200), "`items` of the answer is not what it should be"),
        (Reply({"items": None}, 200), "`items` of the answer is not what it should be"),
        (Reply({"items": [], "metadata": 7}, 200), "`metadata` of the answer is not what it should be"),
        (listed("PodList", token="1"), "it has more than 100 pages"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_list_that_breaks_off_is_a_failure_and_what_came_before_still_counts(
    api: Answering, reply: Reply, words: str
) -> None:
    has(api, "CronJobList", cron_job("nightly", I_OLD))
    api.replies[PODS] = paged(listed("PodList", pod("a", I_OLD), token="1"), reply)
    answer = asked()
    assert seen(answer) == {("pod a", "1.4.0", True), ("CronJob nightly", "1.4.0", False)}
    (failure,) = answer.failures
    assert failure.startswith("Pods of shop: ")
    assert words in failure


@pytest.mark.parametrize("kind", LISTS)
def test_each_list_that_may_not_be_read_is_a_failure(api: Answering, kind: str) -> None:
    has(api, "PodList", pod("a", I_NEW))
    api.replies[LISTS[kind]] = status(403, "Forbidden")
    answer = asked()
    name = kind.removesuffix("List")
    assert answer.failures == (f"{name}s of shop: the API answers 403: the right to list them is missing",)


def test_an_api_that_hangs_takes_no_longer_than_its_timeout(api: Answering) -> None:
    api.replies[PODS] = Reply(hangs=True)
    answer = asked(timeout="300ms")
    assert not answer.seen
    assert answer.failures[0].startswith("Pods of shop: no answer: ")
    assert answer.failures[-1].endswith("no time is left for it; give the source a longer `timeout`")


def test_an_api_that_is_away_is_a_failure_without_secrets(api: Answering) -> None:
    answer = asked(context="elsewhere")
    assert not answer.seen
    assert len(answer.failures) == len(LISTS)
    assert "s3cret" not in str(answer)


@pytest.mark.parametrize("written", ["", "{", "- a\n- b\n", "kind: Config\n"])
def test_a_kubeconfig_that_says_nothing_is_a_failure(
    api: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    config = tmp_path / "broken"
    config.write_text(written, encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(config))
    (failure,) = asked().failures
    assert failure.startswith("no cluster is configured: ")


def test_a_context_or_a_file_that_does_not_exist_is_a_failure(
    api: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(context="nowhere").failures[0].startswith("no cluster is configured: ")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    assert asked().failures[0].startswith("no cluster is configured: ")


def test_without_a_kubeconfig_the_service_account_of_our_own_pod_is_used(
    api: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    (failure,) = asked().failures
    # This is no pod, so there is no account; that it was looked for is all that can be told here.
    assert "Service token file does not exist" in failure


def test_without_the_client_it_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    assert asked().failures == ("the client is not installed: pip install 'crossfade[kubernetes]'",)
