"""node-pg-migrate's `pgmigrations`: the file's name without its ending, and when it was run, by which it sorts."""

from __future__ import annotations

from psycopg import sql

from crossfade.migrations.histories.keyed import Keyed
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

_LOCK = 7241865325823964

HISTORY = Keyed(
    tool=Tool.NODE_PG_MIGRATE,
    table=TableName(None, "pgmigrations"),
    column="name",
    key=lambda entry: entry.name,
    more={"run_on": sql.SQL("pg_catalog.now()")},
    order=("run_on", "id"),
    locks=(_LOCK,),
    counter="id",
    passed_over="stops node-pg-migrate, unless it is called with --no-check-order",
).history()
