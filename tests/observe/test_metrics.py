"""Metrics as Prometheus gets them: over HTTP, read with its own parser."""

from __future__ import annotations

import socket
import sys
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from crossfade.errors import UsageError
from crossfade.observe.events import BatchDone, StateChanged, Throttled
from crossfade.observe.lookout import MOST_RUNS, Lookout
from crossfade.observe.metrics import Metrics, MetricsAddress

from .figures import run_progress, table_progress, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.observe.figures import RunProgress, TableProgress

RUN = "users-email"
USERS = "public.users"
ADDRESS = MetricsAddress(port=0)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Ledger(Lookout):
    """A lookout over figures that are made up."""

    def __init__(self, *tables: TableProgress, throttled_by: str | None = None) -> None:
        super().__init__()
        self.figures = replace(run_progress(*tables), throttled_by=throttled_by)
        self.runs = [RUN]

    def __contains__(self, run: str) -> bool:
        return run in self.runs

    def all_latest(self) -> dict[str, RunProgress]:
        return dict.fromkeys(self.runs, self.figures)


def batch(relation: str = USERS, run: str = RUN, ms: float = 40.0) -> BatchDone:
    return BatchDone(
        run=run, change="1", relation=relation, rows=1, duration_ms=ms, rows_done=1, rows_estimated=2, batch_rows=1
    )


def scrape(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample by its name and its labels."""
    with urllib.request.urlopen(metrics.url, timeout=30) as answer:
        text = answer.read().decode()
    return {
        (sample.name.removeprefix("crossfade_backfill_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(name: str, relation: str = USERS, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset({"run": RUN, "relation": relation, **labels}.items())


def cause(reason: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return "throttled", frozenset({"run": RUN, "reason": reason}.items())


@pytest.fixture
def served() -> Iterator[Metrics]:
    with Metrics(Ledger(), ADDRESS) as metrics:
        yield metrics


def test_every_figure_is_a_metric(served: Metrics) -> None:
    found = scrape(served)
    assert found[of("rows_done_total")] == 12_345
    assert found[of("rows_estimated")] == 30_000
    assert found[of("fraction")] == 0.412
    assert found[of("rows_per_second")] == 300
    assert found[of("batches_total")] == 40
    assert found[of("batch_rows")] == 987
    assert found[of("workers")] == 3
    assert found[of("quarantined_rows")] == 2
    assert found[of("waived_rows")] == 1
    assert found[of("wal_bytes_per_second")] == 4 * 1024**2
    assert found[of("working_seconds_total")] == 42
    assert found[of("throttled_seconds_total")] == 7


def test_what_is_not_known_is_no_sample(served: Metrics) -> None:
    assert {"verified_share", "eta_seconds", "throttled"}.isdisjoint(name for name, _ in scrape(served))


def test_relations_are_told_apart_and_have_their_etas() -> None:
    users = replace(
        table_progress(),
        eta_seconds=60.0,
        eta_p50=NOW + timedelta(minutes=1),
        eta_p90=NOW + timedelta(minutes=3),
        verified_share=1.0,
    )
    with Metrics(Ledger(users, table_progress("public.orders")), ADDRESS) as metrics:
        found = scrape(metrics)
    assert found[of("eta_seconds", quantile="0.5")] == 60
    assert found[of("eta_seconds", quantile="0.9")] == 180
    assert found[of("verified_share")] == 1
    assert found[of("rows_done_total", "public.orders")] == 12_345
    assert of("eta_seconds", "public.orders", quantile="0.5") not in found


def test_durations_are_a_histogram(served: Metrics) -> None:
    for ms in (4, 40, 400):
        served.emit(batch(ms=ms))
    found = scrape(served)
    assert found[of("batch_seconds_count")] == 3
    assert found[of("batch_seconds_sum")] == pytest.approx(0.444)
    assert found[of("batch_seconds_bucket", le="0.005")] == 1
    assert found[of("batch_seconds_bucket", le="0.05")] == 2


def test_a_throttle_is_labelled_by_its_sensor_and_not_by_what_it_measured(served: Metrics) -> None:
    for lag in range(20):
        served.emit(Throttled(run=RUN, reason=f"a replica is {lag} s behind", sensor="replica lag"))
    found = scrape(served)
    assert [labels for name, labels in found if name == "throttled"] == [cause("replica lag")[1]]
    assert found[cause("replica lag")] == 1
    served.emit(Throttled(run=RUN, reason="the brake is on", sensor="brake"))
    found = scrape(served)
    assert (found[cause("replica lag")], found[cause("brake")]) == (0, 1)
    served.emit(Throttled(run=RUN, reason=None))
    found = scrape(served)
    assert (found[cause("replica lag")], found[cause("brake")]) == (0, 0)


def test_a_throttle_from_before_this_process_is_there_too() -> None:
    with Metrics(Ledger(throttled_by="a replica is 9 s behind"), ADDRESS) as metrics:
        assert scrape(metrics)[cause("other")] == 1


def test_what_was_gathered_of_a_forgotten_run_goes() -> None:
    ledger = Ledger()
    with Metrics(ledger, ADDRESS) as metrics:
        metrics.emit(batch())
        metrics.emit(Throttled(run=RUN, reason="the brake is on", sensor="brake"))
        assert of("batch_seconds_count") in scrape(metrics)
        ledger.runs = []
        assert scrape(metrics) == {}


def test_a_lookout_gives_them_as_it_follows_the_run() -> None:
    with Lookout(lambda _run: run_progress()) as lookout, Metrics(lookout, ADDRESS) as metrics:
        assert scrape(metrics) == {}
        for number in range(2 * MOST_RUNS):
            lookout.emit(StateChanged(run=f"run-{number}", source="expanded", target="backfilling"))
            lookout.emit(StateChanged(run=f"run-{number}", source="backfilling", target="backfilled"))
        lookout.emit(batch())
        until(lambda: lookout.latest(RUN) is not None)
        assert scrape(metrics)[of("rows_done_total")] == 12_345


def test_nothing_of_the_process_is_touched() -> None:
    before = {m.name for m in prometheus_client.REGISTRY.collect()}
    with Metrics(Ledger(), ADDRESS), Metrics(Ledger(), ADDRESS) as second:
        assert scrape(second)
    assert {m.name for m in prometheus_client.REGISTRY.collect()} == before


def test_they_can_be_had_from_this_host_only(served: Metrics) -> None:
    assert served.url.startswith("http://127.0.0.1:")


def test_afterwards_the_port_is_free() -> None:
    with Metrics(Ledger(), ADDRESS) as metrics:
        port = int(metrics.url.rpartition(":")[2].partition("/")[0])
    with Metrics(Ledger(), MetricsAddress(port=port)) as again:
        assert scrape(again)


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port}"), Metrics(Ledger(), MetricsAddress(port=port)):
            pass


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UsageError) as raised:
        Metrics(Ledger(), ADDRESS)
    assert raised.value.hint == "Run: pip install 'crossfade[metrics]'"
