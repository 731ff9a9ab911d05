"""Paths into projects: files, folders with all that is below them, and what comes by standard input.

    read(paths)     the projects in the order of the paths

What cannot be read is a problem of a project, with the place of the file, and hinders nothing else. A file that is
named and belongs to a tool's folder brings the rest of that folder along, for what it makes of the schema; `asked` of
the project says which files were meant. Of this package only this module, `walk` and `home` touch the disk, and
`changed` and `committed` ask git.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.migrations.folder import BESIDE, Folder
from crossfade.migrations.home import Home, home_of
from crossfade.migrations.layouts import code, plain
from crossfade.migrations.migration import Problem, Project, Tool
from crossfade.migrations.projects import narrowed, projects_of
from crossfade.migrations.walk import Walk, is_file, is_folder, open_file, resolved, text_file

if TYPE_CHECKING:
    from typing import BinaryIO

    from crossfade.migrations.folder import File

STANDARD_INPUT = "-"
STANDARD_INPUT_SHOWN = Path("<stdin>")
_OF_A_MIGRATION = ("migration.sql", "up.sql", "down.sql")


def read(
    paths: Sequence[str | Path], *, stdin: BinaryIO | None = None, skip: Callable[[Path], bool] | None = None
) -> tuple[Project, ...]:
    """The projects that paths name, `-` being standard input; `skip` says which files and folders to leave alone."""
    named = [Path(path) for path in dict.fromkeys(map(str, paths))]
    reading = _Reading(
        walk=Walk(skip=skip or (lambda _: False)),
        stdin=stdin if stdin is not None else sys.stdin.buffer,
        roots=tuple(resolved(path) for path in named if _is_whole(path)),
    )
    for path in named:
        reading.add(path)
    return tuple(reading.result())


def _is_whole(path: Path) -> bool:
    """A folder that is read as a whole; that of a single migration is one of its tool's folder."""
    return is_folder(path) and not any(is_file(path / name) for name in _OF_A_MIGRATION)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What was read so far."""

    walk: Walk
    stdin: BinaryIO
    roots: tuple[Path, ...]
    """Folders that are read as a whole, resolved."""
    projects: list[Project] = field(default_factory=list)
    loose: list[File] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    homes: dict[Home, dict[Path, Path]] = field(default_factory=dict)
    """Folders that named files belong to, each with these files, resolved, and as they were named."""

    def add(self, path: Path) -> None:
        """Whatever a path names."""
        if str(path) == STANDARD_INPUT:
            self._standard_input()
        elif is_folder(path):
            self._folder(path)
        elif path.name not in BESIDE and not self._is_covered(path):
            self._file(path)

    def result(self) -> Iterator[Project]:
        """The projects: those of folders, those that named files are of, and the files of none."""
        for home, files in self.homes.items():
            self.projects += self._of_home(home, files)
        yield from self.projects
        if self.loose or self.problems:
            migrations = tuple(map(plain.loose, self.loose))
            yield Project(tool=Tool.PLAIN, root=Path(), migrations=migrations, problems=tuple(self.problems))

    def _standard_input(self) -> None:
        file = text_file(STANDARD_INPUT_SHOWN, self.stdin.read())
        if isinstance(file, Problem):
            self.problems.append(file)
        else:
            name = "0_stdin.sql"
            self.projects += projects_of(Folder(path=STANDARD_INPUT_SHOWN, names=frozenset({name}), files={name: file}))

    def _folder(self, path: Path) -> None:
        if not _is_whole(path):
            for name in _OF_A_MIGRATION:
                if is_file(path / name) and not self._is_covered(path):
                    self._file(path / name)
        elif resolved(path) not in self.walk.seen:
            self.projects += projects_of(self.walk.folder(path))

    def _is_covered(self, path: Path) -> bool:
        """Whether a folder that is read as a whole has it."""
        real = resolved(path)
        return any(real.is_relative_to(root) for root in self.roots)

    def _file(self, path: Path) -> None:
        home = home_of(path) if not code.is_no_sql(path) else None
        if home is not None:
            self.homes.setdefault(home, {})[resolved(path)] = path
        else:
            self._loose(path)

    def _loose(self, path: Path) -> None:
        file = open_file(path)
        if isinstance(file, Problem):
            self.problems.append(file)
        elif code.is_no_sql(path):
            problem = code.of_file(file)
            self.problems += () if problem is None else (problem,)
        else:
            self.loose.append(file)

    def _of_home(self, home: Home, files: dict[Path, Path]) -> Iterator[Project]:
        """The projects of a folder that have one of the files; files of none are loose ones."""
        walk = Walk(skip=self.walk.skip, levels=home.levels, shown=files)
        left = dict.fromkeys(files.values())
        for project in projects_of(walk.folder(home.path)):
            part = narrowed(project, left.keys()) if project.tool is not Tool.PLAIN else None
            if part is not None:
                yield part
                for file in (*(part.asked or ()), *(problem.file for problem in part.problems)):
                    left.pop(file, None)
        for path in left:
            self._loose(path)
