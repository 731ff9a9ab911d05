"""golang-migrate: `N_name.up.sql` and `N_name.down.sql`, in the order of their numbers.

A file is sent as one text. The history has one row, the last number, so there is no checksum.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim, whole, without_up
from crossfade.migrations.migration import Migration, Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.folder import Folder

_NAME = re.compile(r"(?P<name>(?P<version>\d+)_.*)\.(?P<way>up|down)\.sql")


def claim(folder: Folder) -> Claim | None:
    """A folder with at least one numbered `.up.sql`."""
    taken = {name: found for name in sorted(folder.names) if (found := _NAME.fullmatch(name)) is not None}
    ups = {found["name"]: found for found in taken.values() if found["way"] == "up"}
    if not ups:
        return None
    migrations = []
    for name, found in ups.items():
        up, down = folder.files.get(f"{name}.up.sql"), folder.files.get(f"{name}.down.sql")
        if up is not None:
            migrations.append(
                Migration(
                    name=name,
                    file=up.path,
                    up=whole(up),
                    down=whole(down) if down is not None else None,
                    order=(int(found["version"]),),
                    transaction=Transaction.IF_SEVERAL,
                )
            )
    return Claim(
        tool=Tool.GOLANG_MIGRATE,
        migrations=tuple(sorted(migrations, key=lambda migration: migration.order)),
        taken=frozenset(taken),
        problems=tuple(
            without_up(folder.path / file, found["name"])
            for file, found in taken.items()
            if found["way"] == "down" and found["name"] not in ups
        ),
        reversible=True,
    )
