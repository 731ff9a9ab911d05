"""golang-migrate: `N_name.up.sql` and `N_name.down.sql`, in the order of their numbers.

A file is sent as one text. The history has one row, the last number, so there is no checksum.
A way up and a way back belong together by their number, whatever else they are called.
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
    ups = {file: found for file, found in taken.items() if found["way"] == "up"}
    if not ups:
        return None
    versions = {int(found["version"]) for found in ups.values()}
    downs = {int(found["version"]): file for file, found in taken.items() if found["way"] == "down"}
    migrations = []
    for file, found in ups.items():
        version = int(found["version"])
        up, down = folder.files.get(file), folder.files.get(downs.get(version, ""))
        if up is not None:
            migrations.append(
                Migration(
                    name=found["name"],
                    file=up.path,
                    up=whole(up),
                    down=whole(down) if down is not None else None,
                    order=(version,),
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
            if found["way"] == "down" and int(found["version"]) not in versions
        ),
        reversible=True,
    )
