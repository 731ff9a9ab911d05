"""By what a tool tells one migration from another, where that is less than the whole name. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crossfade.migrations.migration import Tool

if TYPE_CHECKING:
    from crossfade.migrations.migration import Migration

_WHOLE_ORDER = frozenset({Tool.GOLANG_MIGRATE, Tool.GOOSE, Tool.FLYWAY})
_DIGITS = re.compile(r"\d+")


def version_of(tool: Tool, migration: Migration) -> object:
    """What the tool's history has of the name; None where it goes by the whole name."""
    if migration.repeatable or not migration.order:
        return None
    if tool in _WHOLE_ORDER:
        return migration.order
    if tool is Tool.DIESEL:
        return migration.order[0]
    if tool is Tool.DBMATE:
        digits = _DIGITS.match(migration.file.name)
        return digits[0] if digits is not None else None
    return None
