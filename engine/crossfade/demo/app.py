"""One instance of the shop's app, as a process: `python -m crossfade.demo.app`.

It knows one name of the column and works without pause: it inserts users, changes their addresses and names, and reads
them by key, by address and by lower-cased address, with explicit column lists, each statement a transaction of its
own, prepared on the server by psycopg after five uses. It has its own share of the rows, remembers what it wrote, and
an answer that is not what was written counts as a failure. Every second it sends a heartbeat.

Every quarter of a second, and at the end, it prints a report as one line of JSON. SIGTERM ends it in good order: the
last report has every fact it wrote. The end of standard input means that the demo is gone, and ends it at once.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from crossfade.demo.shop import Fact, seed_fact

REPORT_SECONDS = 0.25
HEARTBEAT_SECONDS = 1.0
RECONNECT_SECONDS = 0.2
FAILURES_IN_FULL = 5
"""Of each report; the others are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an instance is told at its start."""

    url: str
    version: str
    instance: str
    column: str
    """The name that this version knows."""
    rows: int
    """How many users the shop began with; their ids are 1 to this."""
    share: int
    """Which of the shares is this instance's: it begins with the row after this number."""
    shares: int
    """How many instances share the rows: every so manieth is one's own."""
    rate: float
    """Statements a second."""

    def arguments(self) -> list[str]:
        """The same as command-line arguments."""
        return [f"--{name}={value}" for name, value in asdict(self).items()]


@dataclass(slots=True, kw_only=True)
class Report:
    """What happened since the last report. Times are the monotonic clock's, which all processes share."""

    since: float
    until: float = 0.0
    statements: int = 0
    failed: int = 0
    failures: list[dict[str, str | None]] = field(default_factory=list)
    latencies_us: list[int] = field(default_factory=list)
    facts: list[Fact] | None = None
    """In the last report: every row that was written, as it is now."""


class App:
    """The loop, its connection, and what it remembers."""

    def __init__(self, settings: Settings, publish: Callable[[Report], None]) -> None:
        self._settings = settings
        self._publish = publish
        self._report = Report(since=time.monotonic())
        self._connection = self._connect()
        self._facts: dict[int, Fact] = {}
        self._written: list[int] = []
        self._fresh = 0
        # Seeded, so that two runs of the demo do the same.
        self._random = random.Random(settings.share)
        self._queries = _queries(settings.column)
        self._habits = (
            (self._insert, 15),
            (self._change_address, 15),
            (self._change_name, 10),
            (self._read_by_key, 30),
            (self._read_by_address, 20),
            (self._log_in, 10),
        )

    def work(self, stop: threading.Event) -> None:
        """Until told to stop; then look at every row that was written once more, and give the last report."""
        habits, weights = zip(*self._habits, strict=True)
        beat = due = time.monotonic()
        while not stop.is_set():
            now = time.monotonic()
            if now >= beat:
                beat = now + HEARTBEAT_SECONDS
                self._run("heartbeat", "api", self._settings.version, self._settings.instance)
            self._random.choices(habits, weights)[0]()
            if time.monotonic() - self._report.since >= REPORT_SECONDS:
                self._send()
            # After a stall the pace goes on from now; what was missed is not made up for in a burst.
            due = max(due + 1 / self._settings.rate, time.monotonic() - REPORT_SECONDS)
            time.sleep(max(0.0, due - time.monotonic()))
        for id_ in self._facts:
            self._check_by_key(id_)
        self._report.facts = list(self._facts.values())
        self._send()
        self._connection.close()

    def _insert(self) -> None:
        email, name = self._new_address(), f"Customer {self._fresh}"
        rows = self._run("insert", email, name)
        if rows:
            self._remember(Fact(id=rows[0][0], email=email, name=name))

    def _change_address(self) -> None:
        fact, email = self._pick(), self._new_address()
        if self._run("change_address", email, fact.id) is not None:
            self._remember(Fact(id=fact.id, email=email, name=fact.name))

    def _change_name(self) -> None:
        fact = self._pick()
        name = f"{fact.name.partition(',')[0]}, {self._random.randrange(1000)}"
        if self._run("change_name", name, fact.id) is not None:
            self._remember(Fact(id=fact.id, email=fact.email, name=name))

    def _read_by_key(self) -> None:
        self._check_by_key(self._pick().id)

    def _check_by_key(self, id_: int) -> None:
        fact = self._facts.get(id_) or seed_fact(id_)
        self._expect("read_by_key", [(fact.email, fact.name)], fact.id)

    def _read_by_address(self) -> None:
        fact = self._pick()
        self._expect("read_by_address", [(fact.id, fact.name)], fact.email)

    def _log_in(self) -> None:
        fact = self._pick()
        self._expect("log_in", [(fact.id,)], fact.email.upper())

    def _expect(self, query: str, expected: list[tuple[Any, ...]], *params: object) -> None:
        rows = self._run(query, *params)
        if rows is not None and rows != expected:
            self._fail(None, f"{query} {params} gave {rows}, but {expected} was written")

    def _run(self, query: str, *params: object) -> list[tuple[Any, ...]] | None:
        """The statement's rows, or None where it failed; timed and counted."""
        begun = time.perf_counter()
        rows: list[tuple[Any, ...]] | None
        try:
            cursor = self._connection.execute(self._queries[query], params)
            rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            self._fail(error.sqlstate, f"{query}: {str(error).strip()}")
            rows = None
        self._report.statements += 1
        self._report.latencies_us.append(round((time.perf_counter() - begun) * 1_000_000))
        if self._connection.closed:
            self._reconnect()
        return rows

    def _fail(self, sqlstate: str | None, message: str) -> None:
        self._report.failed += 1
        if len(self._report.failures) < FAILURES_IN_FULL:
            self._report.failures.append({"sqlstate": sqlstate, "message": message})

    def _send(self) -> None:
        self._report.until = time.monotonic()
        self._publish(self._report)
        self._report = Report(since=self._report.until)

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        name = f"api@{self._settings.version}/{self._settings.instance}"
        return psycopg.connect(self._settings.url, autocommit=True, application_name=name)

    def _reconnect(self) -> None:
        time.sleep(RECONNECT_SECONDS)
        try:
            self._connection = self._connect()
        except psycopg.Error as error:
            self._fail(error.sqlstate, f"connect: {str(error).strip()}")

    def _pick(self) -> Fact:
        """A row of this instance's, seeded or inserted, as it has to be now."""
        shares, share = self._settings.shares, self._settings.share
        seeded = (self._settings.rows - share + shares - 1) // shares
        number = self._random.randrange(seeded + len(self._written))
        id_ = number * shares + share + 1 if number < seeded else self._written[number - seeded]
        return self._facts.get(id_) or seed_fact(id_)

    def _remember(self, fact: Fact) -> None:
        if fact.id > self._settings.rows and fact.id not in self._facts:
            self._written.append(fact.id)
        self._facts[fact.id] = fact

    def _new_address(self) -> str:
        self._fresh += 1
        return f"customer{self._fresh}@{self._settings.instance}.example"


def _queries(column: str) -> dict[str, bytes]:
    texts = {
        "heartbeat": "SELECT crossfade.heartbeat(%s, %s, %s)",
        "insert": "INSERT INTO users ({column}, name) VALUES (%s, %s) RETURNING id",
        "change_address": "UPDATE users SET {column} = %s WHERE id = %s",
        "change_name": "UPDATE users SET name = %s WHERE id = %s",
        "read_by_key": "SELECT {column}, name FROM users WHERE id = %s",
        "read_by_address": "SELECT id, name FROM users WHERE {column} = %s",
        "log_in": "SELECT id FROM users WHERE lower({column}) = lower(%s)",
    }
    return {k: sql.SQL(v).format(column=sql.Identifier(column)).as_bytes(None) for k, v in texts.items()}


def _print(report: Report) -> None:
    sys.stdout.write(json.dumps(asdict(report), separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _end_with_the_demo() -> None:
    """The other end of standard input is the demo's; it closes however the demo ends, kill -9 included."""
    # Not sys.stdin: a thread that waits inside it would keep the interpreter from ending.
    while os.read(0, 1):
        pass
    os._exit(1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Work until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m crossfade.demo.app", description=__doc__)
    for name, kind in (("url", str), ("version", str), ("instance", str), ("column", str)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    for name in ("rows", "share", "shares"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    settings = Settings(**vars(parser.parse_args(arguments)))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    threading.Thread(target=_end_with_the_demo, daemon=True).start()
    App(settings, _print).work(stop)


if __name__ == "__main__":
    main()
