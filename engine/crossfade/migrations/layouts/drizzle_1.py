"""Drizzle 1.x: `<timestamp>_<name>/migration.sql`, each with a `snapshot.json` beside it, and no journal.

A migration is pending where the history has no row of its folder's name. All that is pending runs in one transaction.
The checksum is the SHA-256 of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim, sha256_of, whole
from crossfade.migrations.migration import Migration, Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.folder import Folder

_FILE = "migration.sql"


def claim(folder: Folder) -> Claim | None:
    """A folder with folders that have a migration.sql, at least one of them with a snapshot."""
    homes = {name: home for name, home in sorted(folder.folders.items()) if _FILE in home.names}
    if not any("snapshot.json" in home.names for home in homes.values()):
        return None
    files = {name: home.files[_FILE] for name, home in homes.items() if _FILE in home.files}
    return Claim(
        tool=Tool.DRIZZLE_1,
        migrations=tuple(
            Migration(
                name=name,
                file=file.path,
                up=whole(file),
                order=(name,),
                transaction=Transaction.ALWAYS,
                checksum=sha256_of(file),
            )
            for name, file in files.items()
        ),
        taken=frozenset(homes),
    )
