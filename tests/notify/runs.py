"""Runs as the ledger has them, without any work: facts are written as a runner would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

from crossfade.postgres.connect import connect
from crossfade.workflow import ledger

if TYPE_CHECKING:
    from ..fixtures.database import Database

ALL_PHASES = {"steps": [{"part": part} for part in ("expand", "seal", "hide", "drop")], "rows": [{}], "data": []}
APPROVAL = {"kind": "approval", "verdict": "BLOCKED", "mode": "enforce", "reason": "waits for an approval"}
VERSION = {"kind": "app_version", "verdict": "UNKNOWN", "mode": "enforce", "reason": "nothing reports"}


@dataclass
class Runs:
    """A ledger and the runs in it."""

    database: Database
    connection: psycopg.Connection[Any]

    def add(self, name: str, notify: Sequence[Any] = (), program: dict[str, Any] = ALL_PHASES) -> int:
        """A run whose plan has this under `notify`."""
        return ledger.add_run(
            self.connection, name=name, digest="d", plan={"notify": list(notify)}, acks=(), program=program
        )

    def move(self, run: int, *states: str) -> None:
        """From state to state, as the runner does."""
        for target in states:
            (source,) = self.one("SELECT state FROM crossfade.runs WHERE id = %s", [run])
            self.connection.execute(
                "UPDATE crossfade.runs SET state = %s, state_since = clock_timestamp() WHERE id = %s", [target, run]
            )
            ledger.add_event(self.connection, run, "state_changed", {"source": source, "target": target})

    def fail(self, run: int, code: str = "lock_timeout", message: str = "no lock") -> None:
        """A command of the run failed."""
        ledger.set_failed(self.connection, run, {"code": code, "message": message})

    def evaluate(self, run: int, phase: str, *gates: dict[str, Any], minutes_ago: float = 0) -> None:
        """Its gates were asked so long ago; with none they passed."""
        self.connection.execute(
            "INSERT INTO crossfade.evaluations (run_id, phase, verdict, gates, at)"
            " VALUES (%s, %s, %s, %s, clock_timestamp() - make_interval(secs => %s))",
            [run, phase, "BLOCKED" if gates else "PASS", Jsonb(gates), 60 * minutes_ago],
        )

    def since(self, run: int, minutes_ago: float) -> None:
        """It came to its state so long ago."""
        self.connection.execute(
            "UPDATE crossfade.runs SET state_since = clock_timestamp() - make_interval(secs => %s) WHERE id = %s",
            [60 * minutes_ago, run],
        )

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The one row that a query gives."""
        (row,) = self.connection.execute(statement.encode(), parameters).fetchall()
        return tuple(row)

    def outbox(self) -> list[tuple[str, str]]:
        """Each notification's event and state."""
        rows = self.connection.execute("SELECT event, state FROM crossfade.notifications ORDER BY id").fetchall()
        return [(str(event), str(state)) for event, state in rows]


def runs_in(database: Database) -> Runs:
    """An empty ledger in this database."""
    connection = connect(database.url)
    ledger.install(connection)
    return Runs(database=database, connection=connection)
