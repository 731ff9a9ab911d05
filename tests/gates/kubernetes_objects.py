"""Objects as the API of Kubernetes gives them, as far as they matter here."""

from __future__ import annotations

from typing import Any

LABELS = {"app": "api"}


def pod(name: str, image: str | None, *, phase: str = "Running", ready: bool = True, **facts: Any) -> dict[str, Any]:
    """A pod with one container; `ending` is when it was deleted."""
    containers = facts.get("containers") or [{"name": "api", "image": image}]
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": "shop",
        "uid": f"uid-{name}",
        "labels": {**LABELS, **facts.get("labels", {})},
    }
    if "ending" in facts:
        metadata |= {"deletionTimestamp": facts["ending"], "deletionGracePeriodSeconds": 30}
    conditions = [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Ready", "status": "True" if ready and phase == "Running" else "False"},
    ]
    return {
        "metadata": metadata,
        "spec": {"containers": containers, "nodeName": "node-3", "restartPolicy": "Always"},
        "status": {"phase": phase, "conditions": conditions, "podIP": "10.0.0.7"},
    }


def template(image: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"labels": LABELS if labels is None else labels},
        "spec": {"containers": [{"name": "api", "image": image}]},
    }


def workload(name: str, image: str, *, labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A ReplicaSet, Deployment, StatefulSet, DaemonSet or Job; the labels are those of its template."""
    metadata = {"name": name, "namespace": "shop"}
    return {"metadata": metadata, "spec": {**spec, "template": template(image, labels)}, "status": {}}


def cron_job(name: str, image: str, *, suspend: bool = False) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "schedule": "0 3 * * *",
            "suspend": suspend,
            "jobTemplate": {"spec": {"template": template(image)}},
        },
        "status": {},
    }
