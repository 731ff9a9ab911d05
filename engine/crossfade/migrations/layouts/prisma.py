"""Prisma: `migrations/<timestamp>_<name>/migration.sql`, and a `migration_lock.toml` beside the folders.

The engine sends a file as one text. The checksum is the SHA-256 of the file's bytes. A `down.sql` beside it is one that
people write by `prisma migrate diff` and apply by hand.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim, not_postgresql, sha256_of, whole
from crossfade.migrations.migration import Migration, Problem, Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.folder import Folder

_LOCK = "migration_lock.toml"
_FILE = "migration.sql"


def claim(folder: Folder) -> Claim | None:
    """A folder with the lock file, or with folders that each have a migration.sql."""
    homes = {name: home for name, home in sorted(folder.folders.items()) if _FILE in home.names}
    has_lock = _LOCK in folder.names
    if not has_lock and not homes:
        return None
    problems = []
    provider = _provider(folder)
    if provider not in {None, "postgresql", "cockroachdb"}:
        problems.append(not_postgresql(folder.path / _LOCK, str(provider)))
        return Claim(
            tool=Tool.PRISMA, migrations=(), taken=folder.names | folder.folders.keys(), problems=tuple(problems)
        )
    if has_lock:
        problems += [
            Problem(file=folder.path / name, message=f"there is no {_FILE} in it, and Prisma stops at such a folder")
            for name in sorted(folder.folders.keys() - homes.keys())
        ]
    return Claim(
        tool=Tool.PRISMA,
        migrations=tuple(m for name, home in homes.items() for m in _migration(name, home)),
        taken=frozenset({_LOCK, *homes}),
        problems=tuple(problems),
    )


def _provider(folder: Folder) -> object:
    lock = folder.files.get(_LOCK)
    try:
        return tomllib.loads(lock.text).get("provider") if lock is not None else None
    except tomllib.TOMLDecodeError:
        return None


def _migration(name: str, home: Folder) -> tuple[Migration, ...]:
    up, down = home.files.get(_FILE), home.files.get("down.sql")
    if up is None:
        return ()
    return (
        Migration(
            name=name,
            file=up.path,
            up=whole(up),
            down=whole(down) if down is not None else None,
            order=(name,),
            transaction=Transaction.IF_SEVERAL,
            checksum=sha256_of(up),
        ),
    )
