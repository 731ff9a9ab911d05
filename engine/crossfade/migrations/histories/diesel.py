"""`__diesel_schema_migrations`: the folder's name up to the first underscore, without hyphens."""

from __future__ import annotations

from crossfade.migrations.histories.keyed import Keyed
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

HISTORY = Keyed(
    tool=Tool.DIESEL,
    table=TableName(None, "__diesel_schema_migrations"),
    column="version",
    clock="run_on",
    key=lambda entry: entry.name.split("_", 1)[0].replace("-", ""),
).history()
