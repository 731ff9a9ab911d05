"""The source `kubernetes`: the pods of an app, and whatever can start some, by the official client.

Where the API is and who we are is what `kubectl` would use: the kubeconfig (KUBECONFIG, ~/.kube/config), else the
service account of the pod that we run in. It needs the right to list pods, replicasets, deployments, statefulsets,
daemonsets, jobs and cronjobs in the namespace. A list that cannot be read to its end is no list.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossfade.gates.sources.answer import Answer, Unreadable, failed, of_type
from crossfade.gates.sources.workloads import POD, read

if TYPE_CHECKING:
    from crossfade.plan.sources import KubernetesWorkloads

_LISTS = (
    (POD, "CoreV1Api", "list_namespaced_pod"),
    ("ReplicaSet", "AppsV1Api", "list_namespaced_replica_set"),
    ("Deployment", "AppsV1Api", "list_namespaced_deployment"),
    ("StatefulSet", "AppsV1Api", "list_namespaced_stateful_set"),
    ("DaemonSet", "AppsV1Api", "list_namespaced_daemon_set"),
    ("Job", "BatchV1Api", "list_namespaced_job"),
    ("CronJob", "BatchV1Api", "list_namespaced_cron_job"),
)
_PAGE = 500
_MOST_PAGES = 100
_SAYS = {
    401: "who we are is not accepted",
    403: "the right to list them is missing",
    410: "the list has changed while it was read; the next look reads it again",
}


def observe(_app: str, entry: KubernetesWorkloads) -> Answer:
    """List everything once, one kind after the other, within the entry's time-out."""
    try:
        from kubernetes import client
    except ImportError:
        return failed("the client is not installed: pip install 'crossfade[kubernetes]'")
    deadline = time.monotonic() + entry.timeout.total_seconds()
    objects, failures = [], []
    try:
        with client.ApiClient(_configuration(client, entry.context)) as api:
            for kind, group, method in _LISTS:
                try:
                    for page in _pages(getattr(getattr(client, group)(api), method), kind, entry, deadline):
                        objects += [(kind, item) for item in page]
                except Unreadable as error:
                    failures.append(f"{kind}s of {entry.namespace}: {error}")
    except Unreadable as error:
        return failed(str(error))
    answer = read(objects, entry)
    if not answer.seen and not answer.failures and not failures:
        failures.append(f"nothing in {entry.namespace} has the labels {entry.selector}, which proves nothing")
    return Answer(seen=answer.seen, failures=(*failures, *answer.failures))


def _configuration(client: Any, context: str | None) -> Any:
    """Raises Unreadable where there is none."""
    import kubernetes.config
    from yaml import YAMLError

    config: Any = kubernetes.config
    configuration = client.Configuration()
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST") and context is None and not _has_kubeconfig():
            config.load_incluster_config(client_configuration=configuration)
        else:
            places = os.environ.get("KUBECONFIG")
            config.load_kube_config(places, context=context, client_configuration=configuration, persist_config=False)
    except (config.ConfigException, OSError, ValueError, TypeError, KeyError, YAMLError) as error:
        raise Unreadable(f"no cluster is configured: {error}; set KUBECONFIG, or run inside of one") from None
    # One try for each look: the next look is the retry.
    configuration.retries = False
    return configuration


def _has_kubeconfig() -> bool:
    return bool(os.environ.get("KUBECONFIG")) or Path("~/.kube/config").expanduser().exists()


def _pages(listing: Any, kind: str, entry: KubernetesWorkloads, deadline: float) -> Iterator[list[Any]]:
    """The items of each page; raises Unreadable instead of ending early."""
    # What starts pods need not have their labels itself, so all of it is read.
    selector = entry.selector if kind == POD else None
    token = None
    for _ in range(_MOST_PAGES):
        document = of_type(_page(listing, entry.namespace, selector, token, deadline), dict, "the answer")
        yield of_type(document.get("items"), list, "`items` of the answer")
        token = of_type(document.get("metadata", {}), dict, "`metadata` of the answer").get("continue")
        if not token:
            return
    raise Unreadable(f"it has more than {_MOST_PAGES} pages of {_PAGE}")


def _page(listing: Any, namespace: str, selector: str | None, token: str | None, deadline: float) -> Any:
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise Unreadable("no time is left for it; give the source a longer `timeout`")
    try:
        response = listing(
            namespace,
            label_selector=selector,
            limit=_PAGE,
            _continue=token,
            _request_timeout=seconds,
            _preload_content=False,
        )
        status, body = response.status, response.data
    except ApiException as error:
        status, body = error.status, b""
    except (HTTPError, OSError, ValueError) as error:
        raise Unreadable(f"no answer: {error}") from None
    if status != 200:
        raise Unreadable(f"the API answers {status}: {_SAYS.get(status, 'it is in trouble')}")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("the answer is not JSON") from None
