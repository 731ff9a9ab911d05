"""A long, narrow table from planned to contracted beside a foreground: parity, and a runner that does not grow.

`CROSSFADE_STRESS_ROWS` says how long (default ten million; 300,000 are the fewest at which the table is vacuumed).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade.operations.step import Phase
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database
from ..scenarios.mortals import RUN, assert_nothing_left
from .crowd import NEW, OLD, ROWS, Crowd
from .memory import GROWTH_MB, Memory

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database

ROW_COUNT = int(os.environ.get("CROSSFADE_STRESS_ROWS", "10_000_000"))
VACUUMED_FROM = 300_000
HOURS = 3 * 3600.0
SETUP = """
CREATE TABLE users (id bigint PRIMARY KEY, email text CONSTRAINT users_email UNIQUE, logins int NOT NULL DEFAULT 0)
"""
PLAN = f"""
crossfade: 1
name: {RUN}
changes:
  - rename_column: {{table: users, from: email, to: email_address}}
"""


def size_of(database: Database, function: str = "pg_relation_size") -> int:
    [(size,)] = database.execute(f"SELECT {function}('users')")
    return int(size)


def prepare(database: Database, directory: Path) -> None:
    database.execute(SETUP)
    database.execute(ROWS, [ROW_COUNT])
    database.execute("VACUUM ANALYZE users")
    (directory / "plan.yaml").write_text(PLAN, encoding="utf-8")


def run_to_the_end(cli: Cli, *words: str) -> tuple[Memory, str]:
    """A command in a process of its own, watched; what it said."""
    process = cli.spawn(*words)
    with Memory(process) as memory:
        _, said = process.communicate(timeout=HOURS)
    assert process.returncode == 0, said
    return memory, said


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_long_table_is_renamed_beside_a_foreground_in_constant_memory(
    database: Database, cli: Cli, tmp_path: Path, figure: Callable[[str, object], None]
) -> None:
    prepare(database, tmp_path)
    size = size_of(database)
    assert cli("expand", "plan.yaml").code == 0
    with Crowd(database, ROW_COUNT, clients=2) as crowd:
        crowd.names = (OLD, NEW)
        begun = time.monotonic()
        memory, said = run_to_the_end(cli, "backfill", RUN)
        seconds = time.monotonic() - begun
        crowd.assert_well()
        crowd.all_in_step = True
        assert database.execute(f"SELECT count(*) FROM users WHERE {OLD} IS DISTINCT FROM {NEW}") == [(0,)]
        grown = size_of(database) / size
        with Engine(database.url) as engine:
            engine.approve(RUN, Phase.CONTRACT, "alice")
        crowd.names = (NEW,)
        last, _ = run_to_the_end(cli, "contract", RUN, "--confirm", RUN)
        crowd.assert_well()
    [(batches, written)] = database.execute("SELECT count(*), sum(rows) FROM crossfade.batches WHERE state = 'done'")
    first, second = memory.halves
    for name, value in {
        "rows": f"{ROW_COUNT:,}",
        "batches": batches,
        "rows written by batches": written,
        "backfill s": round(seconds),
        "vacuums": said.count("vacuumed") - said.count("not vacuumed"),
        "RSS MB in the first half": round(first, 1),
        "RSS MB in the second": round(second, 1),
        "RSS MB of contract": round(max(last.megabytes), 1),
        "table's growth": round(grown, 2),
        "statements beside it": crowd.statements,
        "slowest ms": crowd.slowest_ms,
    }.items():
        figure(name, value)
    assert second <= first + GROWTH_MB, "the runner's memory grew with the rows"
    assert grown < 2 or ROW_COUNT < VACUUMED_FROM, "the dead rows were not vacuumed away in time"
    assert ROW_COUNT < VACUUMED_FROM or "vacuumed" in said.replace("not vacuumed", "")
    assert written <= ROW_COUNT
    crowd.assert_facts_kept(database, NEW)
    with Engine(database.url) as engine:
        assert engine.status(RUN).state is State.CONTRACTED
    assert_nothing_left(database)
    with fresh_database(database.server) as other:
        other.execute(SETUP)
        other.execute(f"ALTER TABLE users RENAME COLUMN {OLD} TO {NEW}")
        assert database.dump() == other.dump()
