"""`goose_db_version`: the number of a file, and whether it is applied. The last row of a number counts."""

from __future__ import annotations

from psycopg import sql

from crossfade.migrations.histories.history import number_of
from crossfade.migrations.histories.keyed import Keyed
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

_LOCK = 4097083626
"""Of goose's session locker, for those who use it."""

HISTORY = Keyed(
    tool=Tool.GOOSE,
    table=TableName(None, "goose_db_version"),
    column="version_id",
    key=lambda entry: number_of(entry.name),
    more={"is_applied": sql.SQL("true")},
    holds="is_applied",
    order=("id",),
    locks=(_LOCK,),
    counter="id",
    origin=0,
    passed_over="stops goose, unless it is called with -allow-missing",
).history()
