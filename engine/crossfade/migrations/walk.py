"""Folders walked and files opened, with all that may be in the way of it: links, devices, rights, sizes, encodings.

A symbolic link is followed as long as it stays within the folder that is walked. Nothing that is no regular file is
opened. What cannot be read becomes a `Problem`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from errno import ELOOP
from pathlib import Path

from crossfade.migrations.decode import NotText, decode
from crossfade.migrations.folder import BESIDE, File, Folder
from crossfade.migrations.layouts.code import may_be_beside_sql, may_be_migration
from crossfade.migrations.migration import Problem
from crossfade.migrations.psql_text import without_psql

MOST_SQL = 5_000_000
"""Characters of SQL in a file, without the rows of COPY. Parsing this much takes about ten seconds."""
_MOST_BYTES = 20_000_000
_DEEPEST = 64
_DIESEL = "diesel.toml"
NOT_ENTERED = frozenset({"node_modules", "__pycache__", "site-packages"})
"""Folders of other people's files."""


def open_file(path: Path) -> File | Problem:
    """The text of a regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Problem(file=path, message="there is no such file or folder")
    except (OSError, ValueError) as error:
        return _unreadable(path, error)
    try:
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Problem(file=path, message="it is no regular file", hint="name a file, or `-` to read a pipe")
            return text_file(path, stream.read(_MOST_BYTES + 1))
    except OSError as error:
        return _unreadable(path, error)


def text_file(path: Path, content: bytes) -> File | Problem:
    """A file's bytes as text, unless they are no text or too much of it."""
    if len(content) > _MOST_BYTES:
        return _too_large(path, f"more than {_MOST_BYTES // 1_000_000} MB")
    text = decode(content)
    if isinstance(text, NotText):
        return Problem(file=path, message=text.message, hint=text.hint, line=text.line)
    if len(text) > MOST_SQL and (size := _size(text)) > MOST_SQL:
        return _too_large(path, f"{size / 1_000_000:.1f} MB of SQL")
    return File(path=path, content=content, text=text)


def _size(text: str) -> int:
    """The length of the SQL in a text; only where rows of COPY may make it shorter, these are looked for."""
    return len("".join(without_psql(text).split())) if "\n\\." in text else len(text)


def _too_large(path: Path, size: str) -> Problem:
    hint = "take the rows out of it, or let COPY … FROM stdin bring them; changes of the schema are seldom that long"
    return Problem(
        file=path, message=f"it has {size}, and at most {MOST_SQL // 1_000_000} MB of a file are read", hint=hint
    )


def _unreadable(path: Path, error: OSError | ValueError) -> Problem:
    if isinstance(error, OSError) and error.errno == ELOOP:
        return Problem(file=path, message="it is a symbolic link that leads back to itself")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Problem(file=path, message=f"it cannot be read: {reason}")


@dataclass(slots=True, kw_only=True)
class Walk:
    """Folders being walked."""

    skip: Callable[[Path], bool]
    levels: int | None = None
    """How many levels of folders below the first are walked; None is all."""
    shown: Mapping[Path, Path] = field(default_factory=dict)
    """How files are named where it is not by the folder's path; keys are resolved."""
    seen: set[Path] = field(default_factory=set)
    """Every folder that was walked, resolved."""
    of_diesel: dict[Path, bool] = field(default_factory=dict)
    """What is known of folders."""

    def folder(self, path: Path) -> Folder:
        """A folder with all that is of interest below it."""
        real = resolved(path)
        return self._folder(path, real, root=real, depth=0)

    def _folder(self, path: Path, real: Path, *, root: Path, depth: int) -> Folder:
        self.seen.add(real)
        found = _Found(path=path, is_of_diesel=self._is_of_diesel(real))
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        except OSError as error:
            return Folder(path=path, problems=(_unreadable(path, error),))
        found.has_sql = any(entry.name.lower().endswith(".sql") for entry in entries)
        for entry in entries:
            place = path / entry.name
            if entry.name.startswith(".") or self.skip(place):
                continue
            there = _target(place, root) if entry.is_symlink() else real / entry.name
            if isinstance(there, Problem):
                found.problems.append(there)
            elif there is not None and entry.is_dir():
                self._inner(found, place, there, root=root, depth=depth)
            elif there is not None:
                self._file(found, place, there)
        return found.folder()

    def _is_of_diesel(self, real: Path) -> bool:
        """Whether its settings are in the folder or above."""
        if real not in self.of_diesel:
            above = real.parent
            self.of_diesel[real] = is_file(real / _DIESEL) or (above != real and self._is_of_diesel(above))
        return self.of_diesel[real]

    def _inner(self, found: _Found, place: Path, real: Path, *, root: Path, depth: int) -> None:
        """A folder in a folder; `real` is where it is without links."""
        if real in self.seen or place.name in NOT_ENTERED or depth == self.levels:
            return
        if depth == _DEEPEST:
            found.problems.append(Problem(file=place, message=f"folders are nested more than {_DEEPEST} deep"))
            return
        found.folders[place.name] = self._folder(place, real, root=root, depth=depth + 1)

    def _file(self, found: _Found, place: Path, real: Path) -> None:
        found.names.add(place.name)
        if is_wanted(place) or (found.has_sql and may_be_beside_sql(place.name)):
            file = open_file(self.shown.get(real, place))
            if isinstance(file, Problem):
                found.problems.append(file)
            else:
                found.files[place.name] = file


@dataclass(slots=True, kw_only=True)
class _Found:
    """A folder as it is being walked."""

    path: Path
    names: set[str] = field(default_factory=set)
    files: dict[str, File] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    is_of_diesel: bool = False
    has_sql: bool = False

    def folder(self) -> Folder:
        """The same as a value."""
        return Folder(
            path=self.path,
            names=frozenset(self.names),
            files=self.files,
            folders=self.folders,
            problems=tuple(self.problems),
            is_of_diesel=self.is_of_diesel,
        )


def is_folder(path: Path) -> bool:
    """Whether there is a folder; what must not be looked at is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether there is a regular file; what must not be looked at is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def resolved(path: Path) -> Path:
    """A path without links as far as there is something; unlike `Path.resolve` it bears links in a circle."""
    return Path(os.path.realpath(path))


def is_wanted(place: Path) -> bool:
    """Whether the text of such a file is of interest."""
    name = place.name
    if name.lower().endswith((".sql", ".sql.conf")) or name in BESIDE:
        return True
    return may_be_migration(place.parent.name or Path.cwd().name, name)


def _target(place: Path, root: Path) -> Path | Problem | None:
    """Where a symbolic link leads; None where that is read at its own place, or of no interest."""
    try:
        target = Path(os.path.realpath(place, strict=True))
    except FileNotFoundError:
        missing = Problem(file=place, message="it is a symbolic link that leads nowhere")
        return missing if is_wanted(place) else None
    except OSError as error:
        return _unreadable(place, error)
    leads_to_folder = is_folder(target)
    if target.is_relative_to(root):
        if leads_to_folder and resolved(place.parent).is_relative_to(target):
            return Problem(file=place, message="it is a symbolic link to a folder that it is in")
        return None if leads_to_folder else target
    if not leads_to_folder and not is_wanted(place):
        return None
    return Problem(
        file=place,
        message=f"it is a symbolic link that leads out of {os.fspath(root)}, and is not followed",
        hint="name what it leads to, if that is meant",
    )
