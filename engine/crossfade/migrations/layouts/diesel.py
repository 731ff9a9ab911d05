"""Diesel: `<version>_<name>/up.sql`, with `down.sql` and `metadata.toml` beside it.

A file is sent as one text, in a transaction of its own unless the metadata say `run_in_transaction = false`. Versions
are compared as text, without their hyphens. Diesel takes whatever stands before the first `_` for a version, so such
folders are its own where a diesel.toml, a metadata.toml or names as `diesel migration generate` makes them say so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim, whole, without_up
from crossfade.migrations.migration import Migration, Problem, Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.folder import Folder

_METADATA = "metadata.toml"
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}-\d{6}_.*|0{14}_diesel_initial_setup")


def claim(folder: Folder) -> Claim | None:
    """A folder with folders that have an up.sql, and that Diesel made or is set up for."""
    homes = {n: home for n, home in folder.folders.items() if home.names & {"up.sql", "down.sql"}}
    if not any("up.sql" in home.names for home in homes.values()) or not _is_diesel(folder, homes):
        return None
    migrations = sorted((m for name, home in homes.items() for m in _migration(name, home)), key=lambda m: m.order)
    return Claim(
        tool=Tool.DIESEL,
        migrations=tuple(migrations),
        taken=frozenset(homes),
        problems=tuple(problem for name, home in sorted(homes.items()) for problem in _problems(name, home)),
        reversible=True,
    )


def _is_diesel(folder: Folder, homes: Mapping[str, Folder]) -> bool:
    has_own_files = folder.is_of_diesel or any(_METADATA in home.names for home in homes.values())
    return has_own_files or any(map(_DATED.fullmatch, homes))


def _migration(name: str, home: Folder) -> Iterator[Migration]:
    up, down = home.files.get("up.sql"), home.files.get("down.sql")
    if up is not None:
        metadata = _metadata(home)
        in_transaction = isinstance(metadata, Problem) or metadata.get("run_in_transaction", True)
        yield Migration(
            name=name,
            file=up.path,
            up=whole(up),
            down=whole(down) if down is not None else None,
            order=(name.split("_", 1)[0].replace("-", ""), name),
            transaction=Transaction.ALWAYS if in_transaction else Transaction.IF_SEVERAL,
        )


def _problems(name: str, home: Folder) -> Iterator[Problem]:
    metadata = _metadata(home)
    if isinstance(metadata, Problem):
        yield metadata
    if "up.sql" not in home.names:
        yield without_up(home.path / "down.sql", name)


def _metadata(home: Folder) -> dict[str, object] | Problem:
    file = home.files.get(_METADATA)
    try:
        return tomllib.loads(file.text) if file is not None else {}
    except tomllib.TOMLDecodeError as error:
        return Problem(
            file=home.path / _METADATA, message=f"it is not TOML: {error}; Diesel goes on as if it were empty"
        )
