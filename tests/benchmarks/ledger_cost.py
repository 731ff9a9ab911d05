"""What the ledger costs a batch of 1,000 rows: the server's time for its statements, against the time of the batch.

The server's time is what pg_stat_statements says of statements that name a table of the ledger, planning included:
cutting, claiming and finishing. The batches' time is the wall clock's from the first batch to the last.
"""

from __future__ import annotations

from collections.abc import Iterator

from crossfade import Engine
from crossfade.plan.load import parse_plan

from .backfill_throughput import LOAD, TABLE, backfill
from .databases import connect, new_database
from .figures import Figure, Goal

NAME = "ledger_cost"
ROWS = 500_000
PLAN = """
crossfade: 1
name: backfill-throughput
changes:
  - rename_column: {table: users, from: email, to: email_address}
backfill: {batch_rows: 1000, min_rows: 1000, max_rows: 1000}
"""
OF_THE_LEDGER = """
SELECT sum(total_exec_time + total_plan_time) FROM pg_stat_statements
WHERE toplevel AND query ~ 'crossfade\\.(batches|backfills|runs)' AND calls > 10
"""
ITS_BATCHES = "SELECT count(*) FROM crossfade.batches WHERE state = 'done'"


def measure(server_url: str) -> Iterator[Figure]:
    """One backfill, in milliseconds for each batch."""
    with new_database(server_url, "benchmark_ledger") as url:
        with connect(url) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute("ALTER DATABASE benchmark_ledger SET pg_stat_statements.track = 'top'")
            connection.execute("ALTER DATABASE benchmark_ledger SET pg_stat_statements.track_planning = 'on'")
            connection.execute(TABLE)
            connection.execute(LOAD, [ROWS])
            connection.execute("VACUUM (FREEZE, ANALYZE) users")
        with Engine(url) as engine:
            plan = parse_plan(PLAN, "ledger_cost.yaml")
            engine.expand(plan)
            program = engine.explain(plan).program
        with connect(url) as connection:
            connection.execute("SELECT pg_stat_statements_reset()")
            since, until = backfill(url, program)
            (spent,) = connection.execute(OF_THE_LEDGER).fetchone() or (0.0,)
            (batches,) = connection.execute(ITS_BATCHES).fetchone() or (1,)
        yield Figure(
            benchmark=NAME,
            what="the ledger's statements, for each batch of 1,000 rows",
            unit="ms",
            figure=spent / batches,
            baseline=1000 * (until - since) / batches,
            goal=Goal(of="ratio", at_most=0.03),
        )
