"""Files of SQL of no tool, in the order of their names, numbers by their value. Dumps of a schema are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim, is_dump, natural, whole
from crossfade.migrations.migration import Migration, Tool

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder


def claim(folder: Folder) -> Claim | None:
    """A folder with SQL in it."""
    files = [file for _, file in folder.sql if not is_dump(file)]
    if not files:
        return None
    return Claim(
        tool=Tool.PLAIN,
        migrations=tuple(sorted(map(loose, files), key=lambda migration: migration.order)),
        taken=frozenset(name for name, _ in folder.sql),
    )


def loose(file: File) -> Migration:
    """A file by itself."""
    name = file.path.stem
    return Migration(name=name, file=file.path, up=whole(file), order=natural(name))
