"""The Procrastinate app of examples/scheduled-backfill, run by Procrastinate's own commands on the example's plan."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from ..fixtures.command import FOREIGN
from ..fleet.workers import procrastinate, workers
from ..scenarios.users_table import await_that

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database

EXAMPLE = Path(__file__).parents[2] / "examples" / "scheduled-backfill"
WINDOW = "01:00-05:00 Europe/Paris"


def test_workers_of_the_queue_purge_the_sessions(cli: Cli, database: Database, tmp_path: Path) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute((EXAMPLE / "schema.sql").read_bytes())
    plan = tmp_path / "plan.yaml"
    text = (EXAMPLE / "plan.yaml").read_text(encoding="utf-8")
    assert text.count(WINDOW) == 1
    plan.write_text(text.replace(WINDOW, "00:00-24:00 Europe/Paris"), encoding="utf-8")
    assert cli("start", plan).code == 0
    database.execute("UPDATE crossfade.schedules SET last_fire = clock_timestamp() - interval '1 day'")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    env = {**kept, "DATABASE_URL": database.url, "PYTHONPATH": str(EXAMPLE / "procrastinate")}
    procrastinate(env, "schema", "--apply", app="app.app")
    with workers(env, "app.app") as made:
        made.start()
        query = "SELECT state FROM crossfade.runs"
        await_that(lambda: database.execute(query) == [("contracted",)], "the sessions were not purged")
    assert database.execute("SELECT count(*), min(expires_at) > now() FROM sessions") == [(20_000, True)]
    assert database.execute("SELECT count(*) FROM sessions_archive") == [(30_000,)]
