"""What objects of Kubernetes' API, as its JSON has them, say about the versions of an app. Pure.

A pod is live until all its containers have ended, a terminating or pending one too; only one that is ready proves
anything. What has a template can start pods of that version at any time, so an old one blocks: whatever wants at least
one replica, a CronJob that is not suspended, a Job that is not over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crossfade.gates.sources.answer import Answer, Seen, Unreadable, of_type
from crossfade.plan.selectors import parse_selector

if TYPE_CHECKING:
    from crossfade.plan.sources import KubernetesWorkloads

Object = Mapping[str, Any]
POD = "Pod"
_MOST_TOLD = 5


def read(objects: Sequence[tuple[str, Any]], entry: KubernetesWorkloads) -> Answer:
    """The app's pods and what can start some, of all objects that were read, each with its kind."""
    seen, failures = [], []
    for kind, written in objects:
        try:
            found = _pod(written, entry) if kind == POD else _startable(kind, written, entry)
        except Unreadable as error:
            failures.append(str(error))
        except (AttributeError, TypeError):
            failures.append(f"a {kind} is not what it should be")
        else:
            seen += found
    more = len(failures) - _MOST_TOLD
    return Answer(
        seen=tuple(seen),
        failures=(*failures[:_MOST_TOLD], *([f"{more} more that cannot be read"] if more > 0 else [])),
    )


def _pod(written: Any, entry: KubernetesWorkloads) -> list[Seen]:
    pod = of_type(written, dict, "a pod")
    metadata, spec, status = (_part(pod, name, "a pod") for name in ("metadata", "spec", "status"))
    phase = status.get("phase")
    running = [c for c in status.get("containerStatuses") or () if (c.get("state") or {}).get("running") is not None]
    if phase in {"Succeeded", "Failed"} and not running:
        return []
    name = f"pod {metadata.get('name')}"
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ())
    if metadata.get("deletionTimestamp"):
        how, ready = "terminating ", False
    else:
        how = "" if ready else "pending " if phase == "Pending" else "unready "
    versions = dict.fromkeys((_version(name, metadata, spec, entry), *_running_versions(running, entry)))
    # An image that was changed in place is not the one that runs yet: one of them blocks, and neither proves.
    proves = ready and len(versions) == 1 and phase not in {"Succeeded", "Failed"}
    return [Seen(version=v, instance=how + name, host=spec.get("nodeName"), proves=proves) for v in versions]


def _running_versions(running: list[Any], entry: KubernetesWorkloads) -> Iterator[str]:
    """What the kubelet says runs, where it gives a tag: it may know an image by its digest alone."""
    if entry.version == "label":
        return
    for container in running:
        image = container.get("image")
        if entry.container in {None, container.get("name")} and isinstance(image, str) and _tag(image):
            yield image_version(image)


def _startable(kind: str, written: Any, entry: KubernetesWorkloads) -> list[Seen]:
    workload = of_type(written, dict, f"a {kind}")
    metadata, spec = (_part(workload, part, f"a {kind}") for part in ("metadata", "spec"))
    name = f"{kind} {metadata.get('name')}"
    inner = _part(_part(spec, "jobTemplate", name), "spec", name) if kind == "CronJob" else spec
    template = _part(inner, "template", name)
    of_pods = template.get("metadata") or {}
    selects = parse_selector(entry.selector)
    if not any(selects(labels or {}) for labels in (metadata.get("labels"), of_pods.get("labels"))):
        return []
    if not _starts(kind, spec, workload.get("status") or {}):
        return []
    version = _version(name, of_pods, _part(template, "spec", name), entry)
    return [Seen(version=version, instance=name, proves=False)]


def _starts(kind: str, spec: Object, status: Object) -> bool:
    if kind == "CronJob":
        return not spec.get("suspend")
    if kind == "Job":
        # One that is suspended is resumed with the image that it has.
        ended = {"Complete", "Failed"}
        over = any(c.get("type") in ended and c.get("status") == "True" for c in status.get("conditions") or ())
        return not over
    # A DaemonSet has no such number; for the others it is one unless they say another.
    return bool(spec.get("replicas", 1) != 0)


def _version(name: str, metadata: Object, spec: Object, entry: KubernetesWorkloads) -> str:
    if entry.version == "label":
        found = (metadata.get("labels") or {}).get(entry.label)
        if not isinstance(found, str) or not found:
            raise Unreadable(f"{name} has no label {entry.label}")
        return found
    containers = [of_type(c, dict, f"a container of {name}") for c in spec.get("containers") or ()]
    images = [c.get("image") for c in containers if entry.container in {None, c.get("name")}]
    if len(images) != 1:
        if entry.container is not None:
            raise Unreadable(f"{name} has no container {entry.container}")
        raise Unreadable(f"{name} has {len(images)} containers; name the one to read with `container`")
    return image_version(of_type(images[0], str, f"an image of {name}"))


def image_version(image: str) -> str:
    """The tag; without one the digest, and without that `latest`, which is what it means."""
    return _tag(image) or image.partition("@")[2] or "latest"


def _tag(image: str) -> str:
    named = image.partition("@")[0].rpartition("/")[2]
    return "" if named.startswith("sha256:") else named.partition(":")[2]


def _part(whole: Object, name: str, what: str) -> dict[str, Any]:
    part: dict[str, Any] = of_type(whole.get(name), dict, f"`{name}` of {what}")
    return part
