"""The sources of the roster's apps that are outside of the database, asked side by side, each within its time-out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from crossfade.gates.aside import Aside
from crossfade.gates.sources import http, kubernetes, pgbouncer, prometheus
from crossfade.gates.sources.answer import Answer, failed
from crossfade.plan.durations import format_duration
from crossfade.plan.sources import (
    HttpInstances,
    KubernetesWorkloads,
    OutsideSource,
    PgbouncerClients,
    PrometheusQuery,
)

if TYPE_CHECKING:
    from crossfade.plan.apps import App

_GRACE_SECONDS = 1.0
"""Over a source's own time-out: looking up a name can take longer than any time-out of a socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one source says of one app."""

    app: str
    source: str
    answer: Answer


class Asked:
    """The sources of some apps that are being asked, from the moment on at which this is made."""

    def __init__(self, apps: Mapping[str, App]) -> None:
        self._asked = [
            (name, source, Aside(partial(_ask, name, app, source), seconds=_seconds(source)))
            for name, app, source in _outside(apps)
        ]

    def answers(self) -> tuple[Heard, ...]:
        """What they say; one that says nothing in time has failed."""
        return tuple(
            Heard(app=name, source=source.kind, answer=aside.answer() or _late(source))
            for name, source, aside in self._asked
        )


def not_asked(apps: Mapping[str, App]) -> tuple[Heard, ...]:
    """What they say to a look that asks nothing outside."""
    answer = failed("not asked by status; crossfade gate asks")
    return tuple(Heard(app=name, source=source.kind, answer=answer) for name, _, source in _outside(apps))


def _outside(apps: Mapping[str, App]) -> Iterator[tuple[str, App, OutsideSource]]:
    for name, app in apps.items():
        yield from ((name, app, source) for source in app.sources if isinstance(source, OutsideSource))


def _seconds(source: OutsideSource) -> float:
    return source.timeout.total_seconds() + _GRACE_SECONDS


def _late(source: OutsideSource) -> Answer:
    return failed(f"no answer within {format_duration(source.timeout)}")


def _ask(name: str, app: App, source: OutsideSource) -> Answer:
    match source:
        case HttpInstances():
            return http.observe(name, source)
        case PrometheusQuery():
            return prometheus.observe(name, source, app.ttl)
        case PgbouncerClients():
            return pgbouncer.observe(name, source)
        case KubernetesWorkloads():
            return kubernetes.observe(name, source)
    raise AssertionError(source)
