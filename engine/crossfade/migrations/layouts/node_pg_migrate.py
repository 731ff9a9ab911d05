"""node-pg-migrate with SQL: `<timestamp>_name.sql` with the parts `-- Up Migration` and `-- Down Migration`.

Names begin with milliseconds, or with a date and time in seventeen digits. All that is pending runs in one transaction,
as the tool does by default. Without a marker all of a file goes up.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim, natural, whole
from crossfade.migrations.layouts.sections import of_way, sections
from crossfade.migrations.migration import Migration, Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder

_NAME = re.compile(r"\d+_.*\.sql")
_MARKER = re.compile(r"^[^\S\n]*--[\s-]*(?P<way>up|down)\s+migration", re.MULTILINE | re.IGNORECASE)
_UTC_DIGITS = 17


def claim(folder: Folder) -> Claim | None:
    """A folder with a numbered file that has a marker."""
    files = {name: file for name, file in folder.sql if _NAME.fullmatch(name)}
    if not any(_MARKER.search(file.text) for file in files.values()):
        return None
    return Claim(
        tool=Tool.NODE_PG_MIGRATE,
        migrations=tuple(sorted((_migration(n, file) for n, file in files.items()), key=lambda m: m.order)),
        taken=frozenset(name for name in folder.names if _NAME.fullmatch(name)),
        reversible=True,
    )


def _migration(name: str, file: File) -> Migration:
    parts = sections(file, _MARKER)
    stem = name.removesuffix(".sql")
    return Migration(
        name=stem,
        file=file.path,
        up=of_way(parts, "up") or whole(file),
        down=of_way(parts, "down"),
        order=(_milliseconds(stem.split("_", 1)[0]), *natural(stem)),
        transaction=Transaction.ALWAYS,
    )


def _milliseconds(digits: str) -> int:
    if len(digits) != _UTC_DIGITS:
        return int(digits)
    try:
        moment = datetime.strptime(digits + "000", "%Y%m%d%H%M%S%f").replace(tzinfo=UTC)
    except ValueError:
        return int(digits)
    return int(moment.timestamp()) * 1000 + int(digits[-3:])
