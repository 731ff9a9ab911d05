"""int → bigint for a primary key with two referencing tables, from planned to contracted under load.

`CROSSFADE_STRESS_ROWS` says how many rows the table has (default five million); the others have half and a fifth of it.
The longest that any client waited for a statement is printed for each phase; no statement may fail.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.observe.events import StepDone
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database
from ..operations.life.canonical import canonical
from ..scenarios.mortals import RUN, assert_nothing_left

if TYPE_CHECKING:
    from crossfade.observe.events import Event

    from ..fixtures.database import Database

ROW_COUNT = int(os.environ.get("CROSSFADE_STRESS_ROWS", "5_000_000"))
CLIENTS = 3
PAUSE = 0.002
"""Seconds between two transactions of a client."""
BEYOND_INT = 2**31
TABLES = """
CREATE TABLE accounts (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, visits int DEFAULT 0);
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account int NOT NULL REFERENCES accounts ON DELETE CASCADE, amount int NOT NULL);
CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account int REFERENCES accounts ON DELETE SET NULL, text text NOT NULL);
CREATE INDEX orders_account ON orders (account);
CREATE INDEX notes_account ON notes (account);
"""
ROWS = """
INSERT INTO accounts (name) SELECT 'a' || g FROM generate_series(1, {rows}) g;
INSERT INTO orders (account, amount) SELECT g * 2, g FROM generate_series(1, {rows} / 2) g;
INSERT INTO notes (account, text) SELECT g * 5, 'n' || g FROM generate_series(1, {rows} / 5) g;
"""
PLAN = f"""
crossfade: 1
name: {RUN}
changes:
  - change_type: {{table: accounts, column: id, to: bigint, follow_references: true}}
"""
PLAIN = """
ALTER TABLE accounts ALTER id TYPE bigint;
ALTER TABLE orders ALTER account TYPE bigint;
ALTER TABLE notes ALTER account TYPE bigint;
"""
STATEMENTS = (
    "INSERT INTO orders (account, amount) SELECT id, 7 FROM accounts WHERE id = %(key)s",
    "INSERT INTO notes (account, text) SELECT id, 'new' FROM accounts WHERE id = %(key)s",
    "UPDATE accounts SET visits = visits + 1 WHERE id = %(key)s",
    "UPDATE orders SET amount = amount + 1 WHERE account = %(key)s",
    "UPDATE notes SET account = %(key)s WHERE account = %(other)s",
    "SELECT name, visits FROM accounts WHERE id = %(key)s",
    "SELECT count(*) FROM accounts a JOIN orders o ON o.account = a.id WHERE a.id = %(key)s",
)


class Load:
    """Clients that work on accounts of their own until they are told to end; their slowest statement by phase."""

    def __init__(self, database: Database) -> None:
        self.url = database.url
        self.phase = "before"
        self.slowest_ms: dict[str, float] = {}
        self.statements, self.accounts = 0, ROW_COUNT
        self.failure: BaseException | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
        self.assert_well()

    def assert_well(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _run(self, number: int) -> None:
        try:
            with psycopg.connect(self.url, autocommit=True, application_name=f"client-{number}") as connection:
                chance = random.Random(number)
                while not self._over.wait(PAUSE):
                    self._transaction(connection, chance, number)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self.failure = error
            self._over.set()

    def _transaction(self, connection: psycopg.Connection[Any], chance: random.Random, number: int) -> None:
        """Clients keep off each other's rows, so that none waits for another."""
        keys = {name: chance.randrange(ROW_COUNT // CLIENTS) * CLIENTS + number + 1 for name in ("key", "other")}
        if chance.random() < 0.2:
            name = {"name": f"made by {number}: {chance.random()}", "rows": ROW_COUNT}
            self._send(connection, "INSERT INTO accounts (name) VALUES (%(name)s)", name)
            more = 1
            if chance.random() < 0.5:
                self._send(connection, "DELETE FROM accounts WHERE id > %(rows)s AND name = %(name)s", name)
                more = 0
            with self._lock:
                self.accounts += more
            return
        self._send(connection, chance.choice(STATEMENTS), keys)

    def _send(self, connection: psycopg.Connection[Any], statement: str, values: dict[str, Any]) -> None:
        phase, begun = self.phase, time.monotonic()
        connection.execute(statement.encode(), values)
        took = (time.monotonic() - begun) * 1000
        with self._lock:
            self.slowest_ms[phase] = max(self.slowest_ms.get(phase, 0.0), took)
            self.statements += 1


def test_a_key_and_its_references_become_bigint_under_load(
    database: Database, figure: Callable[[str, object], None]
) -> None:
    database.execute(TABLES)
    database.execute(ROWS.format(rows=ROW_COUNT))
    database.execute("VACUUM ANALYZE")
    held_ms: dict[str, float] = {}

    def hear(event: Event) -> None:
        if isinstance(event, StepDone):
            held_ms[event.step.partition("/")[2]] = round(event.duration_ms, 1)

    load, begun = Load(database), time.monotonic()
    with load.at_work(), Engine(database.url, emit=hear) as engine:
        engine.start(parse_plan(PLAN, "plan.yaml"))
        engine.approve(RUN, Phase.CONTRACT, "alice")
        for phase, move, state in (
            ("expand", engine.expand, State.EXPANDED),
            ("backfill", engine.backfill, State.BACKFILLED),
            ("contract", engine.contract, State.CONTRACTED),
        ):
            load.phase = phase
            assert move(RUN).state is state
            load.assert_well()
    figure("rows", f"{ROW_COUNT:,}")
    figure("seconds", round(time.monotonic() - begun))
    figure("statements of clients", load.statements)
    for phase, slowest in load.slowest_ms.items():
        figure(f"longest stall in {phase} ms", round(slowest, 1))
    figure("locks held for hide ms", held_ms["hide"])
    assert database.execute("SELECT count(*) FROM accounts") == [(load.accounts,)]
    for table in ("orders", "notes"):
        lost = f"SELECT count(*) FROM {table} r LEFT JOIN accounts a ON a.id = r.account WHERE a.id IS NULL"
        assert database.execute(f"{lost} AND r.account IS NOT NULL") == [(0,)]
    assert_nothing_left(database)
    with fresh_database(database.server) as other:
        other.execute(TABLES)
        other.execute(PLAIN)
        assert canonical(database.dump()) == canonical(other.dump())
    database.execute(f"ALTER TABLE accounts ALTER id RESTART {BEYOND_INT}")
    database.execute("INSERT INTO accounts (name) VALUES ('beyond')")
    assert database.execute("SELECT id FROM accounts WHERE name = 'beyond'") == [(BEYOND_INT,)]
