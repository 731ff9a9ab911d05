"""The folder of its tool that a single file belongs to, by what is around it. Looks whether files are there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from crossfade.migrations.flyway_names import PLACES, script_name
from crossfade.migrations.walk import is_file, resolved

_NAMED = re.compile(r"(?:\d.*|.+\.(?:up|down))\.sql", re.IGNORECASE)
_IN_OWN_FOLDER = frozenset({"migration.sql", "up.sql", "down.sql"})
_WAYS = frozenset({"up", "down", "deploy", "revert"})


@dataclass(frozen=True, slots=True)
class Home:
    """A folder of a tool."""

    path: Path
    levels: int | None
    """How many levels of folders below it may belong to it; None is all."""


def home_of(path: Path) -> Home | None:
    """The folder to read with a file; None where the file is by itself, or not there."""
    real = resolved(path)
    if not is_file(real):
        return None
    sqitch = next((folder for folder in real.parents[1:4] if is_file(folder / "sqitch.plan")), None)
    if sqitch is not None:
        return Home(_as_named(path, real, sqitch), None)
    if real.name in _IN_OWN_FOLDER or real.parent.name in _WAYS:
        return Home(_as_named(path, real, real.parent.parent), 1)
    if real.suffix == ".sql" and script_name(real.stem) is not None:
        place = next((folder for folder in real.parents[:3] if folder.name in PLACES), real.parent)
        return Home(_as_named(path, real, place), None)
    return Home(_as_named(path, real, real.parent), 1) if _NAMED.fullmatch(real.name) else None


def _as_named(path: Path, real: Path, home: Path) -> Path:
    """A folder above a file, written as the file was where that reaches so far."""
    named = path
    for _ in range(len(real.parts) - len(home.parts)):
        if named.name in {"", ".."}:
            return home
        named = named.parent
    return named if resolved(named) == home else home
