"""Files and folders as they were read, for layouts to look at. Values only.

folder_of(path, files)  a folder put together from files that were read in another way than by walking
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.migrations.migration import Problem

BESIDE = frozenset({"migration_lock.toml", "metadata.toml", "_journal.json", "sqitch.plan", "sqitch.conf"})
"""Files of tools that say something about the SQL beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that could be read."""

    path: Path
    """As the user named it, or below what he named."""
    content: bytes
    text: str
    """The same decoded, without a byte order mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder with what is of interest in it."""

    path: Path
    names: frozenset[str] = frozenset()
    """Of every file in it, read or not."""
    files: Mapping[str, File] = field(default_factory=dict)
    """Those that were read, by name."""
    folders: Mapping[str, Folder] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """Of what stands directly in it."""
    is_of_diesel: bool = False
    """There is a diesel.toml in it, or in a folder above."""

    @property
    def sql(self) -> Iterator[tuple[str, File]]:
        """The SQL directly in it, with names, in the order of these."""
        return ((name, file) for name, file in sorted(self.files.items()) if name.lower().endswith(".sql"))

    def file(self, path: str) -> File | None:
        """A file in it or below, by a path with slashes; None where there is none, or none that could be read."""
        first, _, rest = path.partition("/")
        if not rest:
            return self.files.get(first)
        return self.folders[first].file(rest) if first in self.folders else None

    def has(self, path: str) -> bool:
        """Whether there is such a file, read or not."""
        first, _, rest = path.partition("/")
        return first in self.names if not rest else first in self.folders and self.folders[first].has(rest)

    def without(self, names: Collection[str]) -> Folder:
        """The folder as it would be without some of its files and folders; what could not be read is gone too."""
        return replace(
            self,
            names=self.names - frozenset(names),
            files={name: file for name, file in self.files.items() if name not in names},
            folders={name: folder for name, folder in self.folders.items() if name not in names},
            problems=(),
        )

    def all_problems(self, folders: Collection[str]) -> Iterator[Problem]:
        """What could not be read directly in it, and below those of its folders that are named."""
        yield from self.problems
        for name, folder in self.folders.items():
            if name in folders:
                yield from folder.all_problems(folder.folders)


def folder_of(path: Path, files: Mapping[str, File | None]) -> Folder:
    """The folder of these files, by their paths below it with slashes; None for one that was not read."""
    here: dict[str, File | None] = {}
    below: dict[str, dict[str, File | None]] = {}
    for name, file in files.items():
        first, _, rest = name.partition("/")
        if rest:
            below.setdefault(first, {})[rest] = file
        else:
            here[first] = file
    return Folder(
        path=path,
        names=frozenset(here),
        files={name: file for name, file in here.items() if file is not None},
        folders={name: folder_of(path / name, inner) for name, inner in sorted(below.items())},
    )
