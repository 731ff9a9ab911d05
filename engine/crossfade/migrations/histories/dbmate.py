"""dbmate's `schema_migrations`: the digits that a file's name begins with, as text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crossfade.migrations.histories.keyed import Keyed
from crossfade.migrations.migration import Tool
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from crossfade.migrations.histories.history import Entry


def _version(entry: Entry) -> str:
    found = re.match(r"\d+", entry.name)
    return found[0] if found is not None else entry.name


HISTORY = Keyed(tool=Tool.DBMATE, table=TableName(None, "schema_migrations"), column="version", key=_version).history()
