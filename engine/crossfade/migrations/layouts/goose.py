"""goose: `N_name.sql` with the parts `-- +goose Up` and `-- +goose Down`, in the order of the numbers.

Statements are sent one by one, all of a file in one transaction unless it has a line `-- +goose NO TRANSACTION`.
Between `-- +goose ENVSUB ON` and `OFF` variables of the environment have their values put in their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim
from crossfade.migrations.layouts.goose_text import DOWN, OPEN, UP, Stop, read_goose
from crossfade.migrations.migration import Migration, Problem, Tool, Transaction
from crossfade.migrations.script import Script, Source

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder

_NAME = re.compile(r"(?P<version>\d+)_.*\.sql")
_MARKER = re.compile(r"^\s*--\s*\+goose\b", re.MULTILINE)
_FROM_ENVIRONMENT = re.compile(
    r"^--[^\S\n]*\+goose\s+ENVSUB ON\b.*?(?=^--[^\S\n]*\+goose\s+ENVSUB OFF\b|\Z)",
    re.MULTILINE | re.DOTALL | re.IGNORECASE,
)
_VARIABLE = re.compile(r"\$\{|\$[A-Za-z_]\w*")


def claim(folder: Folder) -> Claim | None:
    """A folder with a numbered file that has a marker."""
    files = {name: file for name, file in folder.sql if _NAME.fullmatch(name)}
    if not any(_MARKER.search(file.text) for file in files.values()):
        return None
    found = tuple(one for name, file in files.items() for one in _migration(name, file))
    return Claim(
        tool=Tool.GOOSE,
        migrations=tuple(sorted((m for m in found if isinstance(m, Migration)), key=lambda m: m.order)),
        taken=frozenset(name for name in folder.names if _NAME.fullmatch(name)),
        problems=tuple(one for one in found if isinstance(one, Problem)),
        reversible=True,
    )


def _migration(name: str, file: File) -> Iterator[Migration | Problem]:
    try:
        found = read_goose(file)
    except Stop as stop:
        why, line = stop.args
        yield Problem(file=file.path, message=f"{why}, and goose stops at such a file", line=line)
        return
    if found.open_down is not None:
        yield Problem(file=file.path, message=f"{OPEN}, and goose stops there on the way down", line=found.open_down)
    source, begin = Source(file.path, file.text), found.parts.get(DOWN)
    up = Script(source=source, begin=found.parts[UP], end=begin, placeholders=tuple(_placeholders(file.text)))
    down = None if begin is None else Script(source=source, begin=begin)
    for script in (up, *(() if down is None else (down,))):
        yield from (_cut(file, *lines) for lines in found.cut(script.statements))
    yield Migration(
        name=name.removesuffix(".sql"),
        file=file.path,
        up=up,
        down=down,
        order=(int(name.split("_", 1)[0]),),
        transaction=Transaction.NEVER if found.is_alone else Transaction.ALWAYS,
    )


def _cut(file: File, first: int, end: int) -> Problem:
    return Problem(
        file=file.path,
        message=f"goose cuts the statement here behind the `;` of line {end}, and stops at what is left of it",
        hint="Put `-- +goose StatementBegin` above it, and `-- +goose StatementEnd` below.",
        line=first,
    )


def _placeholders(text: str) -> Iterator[tuple[int, int]]:
    for part in _FROM_ENVIRONMENT.finditer(text):
        yield from (found.span() for found in _VARIABLE.finditer(text, *part.span()))
