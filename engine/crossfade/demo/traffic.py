"""The shop's traffic, seen from the demo: app processes, what they report, and figures over a stretch of time."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from crossfade.demo.app import Report, Settings
from crossfade.demo.happenings import AppCounters, Listener
from crossfade.demo.shop import Fact
from crossfade.errors import CrossfadeError

START_SECONDS = 30.0
STOP_SECONDS = 60.0
_PACKAGE_HOME = Path(__file__).parents[2]


class AppNotWorking(CrossfadeError):
    """An app process of the demo did not start, or ended by itself."""

    code = "demo_app_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A statement that failed, or an answer that was not what had been written."""

    instance: str
    sqlstate: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.instance}: {self.message}" + (f" (SQLSTATE {self.sqlstate})" if self.sqlstate else "")


class AppProcess:
    """One running instance of the app. Its reports are read by a thread, which tells the listener."""

    def __init__(self, settings: Settings, listener: Listener) -> None:
        self.settings = settings
        self.reports: list[Report] = []
        self.facts: tuple[Fact, ...] = ()
        self.statements = self.failed = 0
        self.longest_ms = 0.0
        self._listener = listener
        self._output: list[str] = []
        self._first_report = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "crossfade.demo.app", *settings.arguments()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for the demo, which then stops its apps
        )
        self._reader = threading.Thread(target=self._read, name=f"reader of {self.name}", daemon=True)
        self._reader.start()

    @property
    def name(self) -> str:
        """As `application_name` has it: `api@1.4.0/pod-a`."""
        return f"api@{self.settings.version}/{self.settings.instance}"

    def await_work(self) -> None:
        """Until the first report is there; AppNotWorking if none comes."""
        if not self._first_report.wait(START_SECONDS) or not self.reports:
            raise AppNotWorking(f"{self.name} did not start to work:\n{self._said()}")

    def stop(self) -> None:
        """Let it finish its statement, look at its rows once more, and end. AppNotWorking if it had ended before."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._reader.join(STOP_SECONDS)
        last = self.reports[-1] if self.reports else None
        self.kill()
        if last is None or last.facts is None:
            raise AppNotWorking(f"{self.name} ended without its last report:\n{self._said()}")
        self.facts = tuple(last.facts)

    def kill(self) -> None:
        """End it at once; does nothing when it has ended."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def failures(self) -> Iterator[Failure]:
        """Those that were reported in full, in order."""
        for report in tuple(self.reports):
            for failure in report.failures:
                yield Failure(instance=self.name, sqlstate=failure["sqlstate"], message=failure["message"] or "")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._take(_report(json.loads(line)))
            else:
                self._output.append(line)
        self._first_report.set()
        self._tell(live=False)

    def _take(self, report: Report) -> None:
        self.reports.append(report)
        self.statements += report.statements
        self.failed += report.failed
        self.longest_ms = max([self.longest_ms, *(us / 1000 for us in report.latencies_us)])
        self._first_report.set()
        self._tell(live=True)

    def _tell(self, *, live: bool) -> None:
        self._listener(
            AppCounters(
                version=self.settings.version,
                instance=self.settings.instance,
                column=self.settings.column,
                live=live,
                statements=self.statements,
                failed=self.failed,
                longest_ms=self.longest_ms,
            )
        )

    def _said(self) -> str:
        failures = "\n".join(str(f) for f in self.failures())
        return "".join(self._output[-20:]).strip() or failures or "it said nothing"


class Stretch:
    """A stretch of time to measure: a context manager around what happens in it."""

    def __init__(self) -> None:
        self._since = self._until = 0.0

    def __enter__(self) -> Self:
        self._since = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._until = time.monotonic()

    def latencies_ms(self, *apps: AppProcess) -> list[float]:
        """Of every statement in a report that touches the stretch."""
        reports = (r for app in apps for r in tuple(app.reports))
        touching = (r for r in reports if r.until > self._since and r.since < self._until)
        return [us / 1000 for r in touching for us in r.latencies_us]


def percentile(values: list[float], percent: float) -> float:
    """The nearest-rank percentile; 0 of nothing."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def _report(document: dict[str, Any]) -> Report:
    facts = document.pop("facts")
    return Report(**document, facts=None if facts is None else [Fact(**f) for f in facts])


def _environment() -> dict[str, str]:
    """Ours without libpq's variables, which would steer the app elsewhere; the package is found where it is here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    path = os.pathsep.join(p for p in (str(_PACKAGE_HOME), kept.get("PYTHONPATH")) if p)
    return {**kept, "PYTHONPATH": path}
