"""Files for each way of no tool that is known: pairs of names, pairs of folders, or parts of one file.

Other SQL beside them goes up and has no way down. Nothing is known about transactions, so none is taken to be there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim, is_dump, natural, whole, without_up
from crossfade.migrations.layouts.sections import of_way, sections
from crossfade.migrations.migration import Migration, Tool

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder
    from crossfade.migrations.script import Script

_DOTTED = re.compile(r"(?P<name>.+)\.(?P<way>up|down)\.sql", re.IGNORECASE)
_JOINED = re.compile(r"(?P<name>.*\d.*)[_-](?P<way>up|down)\.sql", re.IGNORECASE)
_DONE = re.compile(r"(?P<name>\d+)\.(?P<way>do|undo)(?P<rest>\..+)?\.sql", re.IGNORECASE)
_FOLDERS = (("up", "down"), ("deploy", "revert"))
_SECTION = re.compile(
    r"^--[^\S\n]*(?:\+migrate|rambler)?[^\S\n]*(?P<way>up|down)[^\S\n]*(?:notransaction)?[^\S\n]*$",
    re.MULTILINE | re.IGNORECASE,
)


def claim(folder: Folder) -> Claim | None:
    """A folder with such pairs, folders or parts."""
    files = {name: file for name, file in folder.sql if not is_dump(file)}
    folders = _folders(folder)
    if folders is not None:
        files, ups, downs = {}, _of(folder, folders[0]), _of(folder, folders[1])
    else:
        ups, downs = _pairs(files)
    if not ups and not any(_SECTION.search(file.text) for file in files.values()):
        return None
    paired = {file.path for file in (*ups.values(), *downs.values())}
    alone = {name.removesuffix(".sql"): file for name, file in files.items() if file.path not in paired}
    migrations = [_pair(name, file, downs.get(name)) for name, file in ups.items()]
    migrations += [_parts(name, file) for name, file in alone.items()]
    return Claim(
        tool=Tool.UP_DOWN,
        migrations=tuple(sorted(migrations, key=lambda migration: migration.order)),
        taken=frozenset(files) | frozenset((*folders, "verify") if folders is not None else ()),
        problems=tuple(without_up(file.path, name) for name, file in sorted(downs.items()) if name not in ups),
        reversible=True,
    )


def _folders(folder: Folder) -> tuple[str, str] | None:
    """The folders for the way up and for the way down, where a name stands in both."""
    return next((pair for pair in _FOLDERS if _of(folder, pair[0]).keys() & _of(folder, pair[1]).keys()), None)


def _of(folder: Folder, name: str) -> Mapping[str, File]:
    inner = folder.folders.get(name)
    return {name.removesuffix(".sql"): file for name, file in inner.sql} if inner is not None else {}


def _pairs(files: Mapping[str, File]) -> tuple[Mapping[str, File], Mapping[str, File]]:
    """Pairs by name; `_up` alone, as in sign_up.sql, makes none."""
    ways: dict[str, dict[str, File]] = {"up": {}, "down": {}}
    for pattern in (_DOTTED, _DONE, _JOINED):
        matches = {name: found for name in files if (found := pattern.fullmatch(name)) is not None}
        grouped: dict[str, set[str]] = {}
        for found in matches.values():
            grouped.setdefault(found["name"], set()).add(_way(found))
        for name, found in matches.items():
            if pattern is not _JOINED or len(grouped[found["name"]]) > 1:
                ways[_way(found)][found["name"]] = files[name]
    return ways["up"], ways["down"]


def _way(found: re.Match[str]) -> str:
    return {"do": "up", "undo": "down"}.get(found["way"].lower(), found["way"].lower())


def _pair(name: str, up: File, down: File | None) -> Migration:
    return _migration(name, up, whole(up), whole(down) if down is not None else None)


def _parts(name: str, file: File) -> Migration:
    parts = sections(file, _SECTION)
    return _migration(name, file, of_way(parts, "up") or whole(file), of_way(parts, "down"))


def _migration(name: str, file: File, up: Script, down: Script | None) -> Migration:
    return Migration(name=name, file=file.path, up=up, down=down, order=natural(name))
