"""Metrics of backfills for Prometheus, over HTTP; needs the extra `crossfade[metrics]`.

Numbers are the lookout's figures at the time of the scrape; only the durations of this process's batches are gathered
from events. The registry is its own, so an application that has crossfade inside keeps its metrics apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from crossfade.errors import UsageError
from crossfade.observe.events import BatchDone, Event, Throttled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Thread
    from wsgiref.simple_server import WSGIServer

    from prometheus_client.core import Metric

    from crossfade.observe.figures import RunProgress, TableProgress
    from crossfade.observe.lookout import Lookout

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_PREFIX = "crossfade_backfill_"
_LABELS = ("run", "relation")
_COUNTERS = {
    "rows_done": "Rows of the batches that are done.",
    "batches": "Batches that are done.",
    "working_seconds": "Time in batches, added up over the workers.",
    "throttled_seconds": "Time in which the batches waited for a throttle.",
}
_GAUGES = {
    "rows_estimated": "How many rows there will have been.",
    "fraction": "What of the rows is done, from 0 to 1; 1 only when the relation is finished.",
    "rows_per_second": "Rate over the last ten minutes of work.",
    "batch_rows": "Rows that the next batch takes.",
    "workers": "Workers that did a batch in the last minute or have one in hand.",
    "quarantined_rows": "Rows that were refused and that nobody has decided on.",
    "waived_rows": "Refused rows that somebody has waived.",
    "wal_bytes_per_second": "WAL that the server writes while batches are done, that of others included.",
    "verified_share": "What part of the rows was compared.",
}
_NAMES = {
    "quarantined_rows": "quarantined",
    "waived_rows": "waived",
    "wal_bytes_per_second": "wal_per_second",
}
"""Metrics that have their unit in the name, and the figure that each shows."""


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """Where metrics are served; port 0 takes a free one."""

    port: int
    host: str = "127.0.0.1"


class Metrics:
    """Serves the metrics of every run that the lookout follows; a context manager. Raises UsageError."""

    def __init__(self, lookout: Lookout, address: MetricsAddress) -> None:
        """Nothing is served before it is entered."""
        try:
            from prometheus_client import CollectorRegistry, Histogram
        except ImportError as error:
            raise UsageError(
                "metrics need the package prometheus-client, which is not installed",
                hint="Run: pip install 'crossfade[metrics]'",
            ) from error
        self._lookout = lookout
        self._address = address
        self._registry = CollectorRegistry()
        self._registry.register(self)  # first: it forgets runs for the histogram too
        self._durations = Histogram(
            f"{_PREFIX}batch_seconds",
            "How long the batches of this process took.",
            _LABELS,
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._timed: set[tuple[str, str]] = set()
        self._causes: dict[str, dict[str, bool]] = {}
        self._server: WSGIServer | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        from prometheus_client import start_http_server

        host, port = self._address.host, self._address.port
        try:
            self._server, self._thread = start_http_server(port, host, self._registry)
        except OSError as error:
            raise UsageError(
                f"metrics cannot be served on {host}:{port}: {error.strerror or error}",
                hint="Give --metrics-port another port, or 0 for any that is free.",
            ) from error
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where they can be had."""
        assert self._server is not None
        host = self._address.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_port}/metrics"

    def emit(self, event: Event) -> None:
        """Take in an event."""
        match event:
            case BatchDone():
                self._timed.add((event.run, event.relation))
                self._durations.labels(event.run, event.relation).observe(event.duration_ms / 1000)
            case Throttled():
                causes = self._causes.setdefault(event.run, {})
                causes.update(dict.fromkeys(causes, False))
                if event.reason is not None:
                    causes[event.sensor or "other"] = True

    def collect(self) -> Iterator[Metric]:
        """The figures as metrics; called by the registry at every scrape."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        self._forget_runs()
        tables = [(run, t) for run, found in self._lookout.all_latest().items() for t in found.tables]
        for name, text in _COUNTERS.items():
            counter = CounterMetricFamily(_PREFIX + name, text, labels=_LABELS)
            yield _filled(counter, tables, name)
        for name, text in _GAUGES.items():
            gauge = GaugeMetricFamily(_PREFIX + name, text, labels=_LABELS)
            yield _filled(gauge, tables, _NAMES.get(name, name))
        yield self._etas(tables)
        yield self._throttled()

    def _etas(self, tables: list[tuple[str, TableProgress]]) -> Metric:
        from prometheus_client.core import GaugeMetricFamily

        text = "Seconds until the relation will be done, as likely as not (0.5) and in nine cases of ten (0.9)."
        family = GaugeMetricFamily(f"{_PREFIX}eta_seconds", text, labels=(*_LABELS, "quantile"))
        for run, table in tables:
            if table.eta_seconds is not None:
                family.add_metric((run, table.relation, "0.5"), table.eta_seconds)
            if table.eta_seconds is not None and table.eta_p50 is not None and table.eta_p90 is not None:
                later = (table.eta_p90 - table.eta_p50).total_seconds()
                family.add_metric((run, table.relation, "0.9"), table.eta_seconds + later)
        return family

    def _throttled(self) -> Metric:
        """By cause, which is the kind of sensor: what it measured is in the status, and would be a series each."""
        from prometheus_client.core import GaugeMetricFamily

        text = "1 while the batches wait for this cause; a cause is there once it was the first time."
        family = GaugeMetricFamily(f"{_PREFIX}throttled", text, labels=("run", "reason"))
        for run, figures in self._lookout.all_latest().items():
            for cause, is_on in self._causes_of(run, figures).items():
                family.add_metric((run, cause), float(is_on))
        return family

    def _causes_of(self, run: str, figures: RunProgress) -> dict[str, bool]:
        causes = dict(self._causes.get(run, {}))
        if figures.throttled_by is not None and not any(causes.values()):
            causes["other"] = True  # it began before this process
        return causes

    def _forget_runs(self) -> None:
        """Drop what was gathered of runs that the lookout has forgotten."""
        for run, relation in tuple(self._timed):
            if run not in self._lookout:
                self._timed.discard((run, relation))
                self._durations.remove(run, relation)
        for run in tuple(self._causes):
            if run not in self._lookout:
                del self._causes[run]


def _filled(family: Any, tables: list[tuple[str, TableProgress]], name: str) -> Any:
    """A family of metrics with one figure of each relation, where it is known."""
    for run, table in tables:
        value = getattr(table, name)
        if value is not None:
            family.add_metric((run, table.relation), value)
    return family
