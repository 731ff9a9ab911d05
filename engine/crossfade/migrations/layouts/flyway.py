"""Flyway: `V1.2__name.sql`, `U1.2__name.sql` that takes it back, `R__name.sql` that is applied whenever it changes.

Versions are numbers with dots or underscores; repeatable ones come after them, by their description. A migration runs
in a transaction, unless a statement of it cannot or its `.sql.conf` says so. The checksum is the CRC-32 of the lines
without their ends, as a signed number. `${name}` has a value put in its place wherever it stands. Folders below belong
to the same project. The highest `B` file runs on an empty database, in place of what comes up to its version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

from crossfade.migrations.flyway_names import PLACES, ScriptName, script_name
from crossfade.migrations.layouts.claim import DATABASES, Claim, whole, without_up
from crossfade.migrations.migration import Migration, Tool, Transaction
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder
    from crossfade.migrations.script import Script

_CONF = re.compile(r"^\s*executeInTransaction\s*[=:]\s*(?P<value>\w+)", re.MULTILINE)
_KEPT = re.compile(r"^\s*placeholderReplacement\s*[=:]\s*false\b", re.MULTILINE | re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\$\{[^}\n]*\}")
_LINE_END = re.compile("\r\n|\r|\n")
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
    if not _is_flyway(folder, below=folder.path.name in PLACES):
        return None
    below = _inner(folder)
    files = [(found, file) for name, file in _files(folder, below) if (found := _name(name)) is not None]
    undo = {found.numbers: file for found, file in files if found.kind == "U"}
    up = {found.numbers for found, _ in files if found.kind == "V"}
    configurations = {file.path.name: file for file in _configurations(folder, below)}
    migrations = [
        _migration(found, file, undo, configurations.get(f"{file.path.name}.conf"))
        for found, file in files
        if found.kind in {"V", "R"}
    ]
    bases = [_migration(found, file, {}, None) for found, file in files if found.kind == "B"]
    return Claim(
        tool=Tool.FLYWAY,
        migrations=tuple(sorted(migrations, key=lambda migration: migration.order)),
        taken=below | frozenset(name for name in folder.names if _name(name) is not None),
        problems=tuple(without_up(file.path, file.path.stem) for v, file in sorted(undo.items()) if v not in up),
        reversible=bool(undo),
        bases=tuple(sorted(bases, key=lambda migration: migration.order)),
    )


def _name(file: str) -> ScriptName | None:
    return script_name(file.removesuffix(".sql")) if file.endswith(".sql") else None


def _is_flyway(folder: Folder, *, below: bool) -> bool:
    if any(name.kind == "V" or name.description for name in map(_name, folder.names) if name is not None):
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
    name: ScriptName, file: File, undo: dict[tuple[int, ...], File], configuration: File | None
) -> Migration:
    version = name.numbers
    back = undo.get(version) if version else None
    up, down = whole(file), whole(back) if back is not None else None
    if configuration is None or _KEPT.search(configuration.text) is None:
        up = replace(up, placeholders=tuple(found.span() for found in _PLACEHOLDER.finditer(file.text)))
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
        order=(0, *version) if version else (1, name.description),
        transaction=transaction,
        transaction_back=_transaction(down) if down is not None else None,
        checksum=str(checksum(file.text)),
        repeatable=not version,
        is_mixed=asked is None and _is_mixed(up),
    )


def _transaction(script: Script) -> Transaction:
    alone = any(_has_to_stand_alone(statement.tree) for statement in script.statements)
    return Transaction.NEVER if alone else Transaction.ALWAYS


def _is_mixed(script: Script) -> bool:
    """Whether Flyway refuses it, unless `mixed` is on. Of ALTER TYPE … ADD VALUE its versions think differently."""
    kinds = {_has_to_stand_alone(s.tree) for s in script.statements if kind(s.tree) != "AlterEnumStmt"}
    return len(kinds) > 1


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


def checksum(text: str) -> int:
    """Of a script, as Java's `(int) crc32.getValue()`."""
    unsigned = crc32("".join(_LINE_END.split(text)).encode())
    return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned
