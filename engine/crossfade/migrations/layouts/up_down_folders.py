"""A folder for each migration, with `up.sql` and `down.sql` in it, of no tool that is known: `1_init/up.sql`.

Diesel's look alike, and are told apart in `diesel`. Nothing is known about transactions, so none is taken to be there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim, natural, whole, without_up
from crossfade.migrations.migration import Migration, Tool

if TYPE_CHECKING:
    from crossfade.migrations.folder import Folder


def claim(folder: Folder) -> Claim | None:
    """A folder with folders that have an up.sql, and are not Diesel's."""
    homes = {n: home for n, home in folder.folders.items() if home.names & {"up.sql", "down.sql"}}
    if not any("up.sql" in home.names for home in homes.values()):
        return None
    migrations = [m for name, home in homes.items() if (m := _migration(name, home)) is not None]
    return Claim(
        tool=Tool.UP_DOWN,
        migrations=tuple(sorted(migrations, key=lambda migration: migration.order)),
        taken=frozenset(homes),
        problems=tuple(
            without_up(home.path / "down.sql", name)
            for name, home in sorted(homes.items())
            if "up.sql" not in home.names
        ),
        reversible=True,
    )


def _migration(name: str, home: Folder) -> Migration | None:
    up, down = home.files.get("up.sql"), home.files.get("down.sql")
    if up is None:
        return None
    return Migration(
        name=name, file=up.path, up=whole(up), down=whole(down) if down is not None else None, order=natural(name)
    )
