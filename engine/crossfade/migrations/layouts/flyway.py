"""Flyway: `V1.2__name.sql`, `U1.2__name.sql` that takes it back, `R__name.sql` that is applied whenever it changes.

Versions are numbers with dots or underscores; repeatable ones come after them, by their description. A migration runs
in a transaction, unless a statement of it cannot or its `.sql.conf` says so. The checksum is the CRC-32 of the lines
without their ends, as a signed number. Folders below belong to the same project. `B` files only ever run on an empty
database, so they are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from zlib import crc32

from crossfade.migrations.layouts.claim import DATABASES, Claim, whole, without_up
from crossfade.migrations.migration import Migration, Tool, Transaction
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder
    from crossfade.migrations.script import Script

_NAME = re.compile(r"(?P<kind>[VUB])(?P<version>\d+(?:[._]\d+)*)__.*\.sql|(?P<repeatable>R)__(?P<description>.+)\.sql")
_CONF = re.compile(r"^\s*executeInTransaction\s*[=:]\s*(?P<value>\w+)", re.MULTILINE)
_LINE_END = re.compile("\r\n|\r|\n")
_PLACES = frozenset({"migration", "migrations"})
_ALONE = frozenset(
    {
        "CreatedbStmt",
        "DropdbStmt",
        "CreateTableSpaceStmt",
        "DropTableSpaceStmt",
        "CreateSubscriptionStmt",
        "DropSubscriptionStmt",
        "AlterSystemStmt",
    }
)
_LARGE_REINDEX = frozenset({"REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE"})


def claim(folder: Folder) -> Claim | None:
    """A folder with a file of such a name; one called `migration` also where they stand in folders below it."""
    if not _is_flyway(folder, below=folder.path.name in _PLACES):
        return None
    below = _inner(folder)
    files = [(found, file) for name, file in _files(folder, below) if (found := _NAME.fullmatch(name)) is not None]
    undo = {_version(found["version"]): file for found, file in files if found["kind"] == "U"}
    up = {_version(found["version"]) for found, _ in files if found["kind"] == "V"}
    configurations = {file.path.name: file for file in _configurations(folder, below)}
    migrations = [
        _migration(found, file, undo, configurations.get(f"{file.path.name}.conf"))
        for found, file in files
        if found["kind"] == "V" or found["repeatable"]
    ]
    return Claim(
        tool=Tool.FLYWAY,
        migrations=tuple(sorted(migrations, key=lambda migration: migration.order)),
        taken=below | frozenset(name for name in folder.names if _NAME.fullmatch(name)),
        problems=tuple(without_up(file.path, file.path.stem) for v, file in sorted(undo.items()) if v not in up),
        reversible=bool(undo),
    )


def _is_flyway(folder: Folder, *, below: bool) -> bool:
    if any(_NAME.fullmatch(name) for name in folder.names):
        return True
    return below and any(_is_flyway(inner, below=True) for inner in folder.folders.values())


def _inner(folder: Folder) -> frozenset[str]:
    """The folders in it that have more of the project; one for a database is a project of its own."""
    found = (name for name, inner in folder.folders.items() if _is_flyway(inner, below=True))
    return frozenset(name for name in found if name.lower() not in DATABASES)


def _files(folder: Folder, below: frozenset[str]) -> Iterator[tuple[str, File]]:
    yield from folder.sql
    for name in sorted(below):
        inner = folder.folders[name]
        yield from _files(inner, _inner(inner))


def _configurations(folder: Folder, below: frozenset[str]) -> Iterator[File]:
    yield from (file for name, file in folder.files.items() if name.endswith(".conf"))
    for name in below:
        inner = folder.folders[name]
        yield from _configurations(inner, _inner(inner))


def _migration(
    parts: re.Match[str], file: File, undo: dict[tuple[int, ...], File], configuration: File | None
) -> Migration:
    version = _version(parts["version"]) if parts["version"] else ()
    back = undo.get(version) if version else None
    up, down = whole(file), whole(back) if back is not None else None
    asked = _CONF.search(configuration.text) if configuration is not None else None
    if asked is not None:
        transaction = Transaction.ALWAYS if asked["value"].lower() == "true" else Transaction.NEVER
    else:
        transaction = _transaction(up)
    return Migration(
        name=file.path.stem,
        file=file.path,
        up=up,
        down=down,
        order=(0, *version) if version else (1, parts["description"]),
        transaction=transaction,
        transaction_back=_transaction(down) if down is not None else None,
        checksum=str(_checksum(file)),
        repeatable=not version,
    )


def _transaction(script: Script) -> Transaction:
    alone = any(_has_to_stand_alone(statement.tree) for statement in script.statements)
    return Transaction.NEVER if alone else Transaction.ALWAYS


def _version(text: str) -> tuple[int, ...]:
    """`1.0` and `1` are the same version."""
    numbers = [int(part) for part in re.split("[._]", text)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _has_to_stand_alone(node: Any) -> bool:
    """Whether Flyway knows that a statement cannot run in a transaction, and goes without one."""
    match kind(node):
        case "IndexStmt" | "DropStmt":
            return bool(node.concurrent)
        case "VacuumStmt":
            return bool(node.is_vacuumcmd)
        case "ReindexStmt":
            return node.kind.name in _LARGE_REINDEX
        case "DiscardStmt":
            return bool(node.target.name == "DISCARD_ALL")
    return kind(node) in _ALONE


def _checksum(file: File) -> int:
    """As Java's `(int) crc32.getValue()`."""
    unsigned = crc32("".join(_LINE_END.split(file.text)).encode())
    return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned
