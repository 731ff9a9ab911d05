"""Projects as commits have them, read out of git's own store and not from the disk.

compared(projects, reference)   the projects, each with its past by a commit

What a branch has changed is told from the commit where it parted from the reference; what is there already, from the
reference itself. Runs git.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from crossfade.migrations.folder import File, Folder, folder_of
from crossfade.migrations.git import git, top_of
from crossfade.migrations.migration import Tool
from crossfade.migrations.past import of_commit
from crossfade.migrations.projects import projects_of
from crossfade.migrations.walk import NOT_ENTERED, is_file, is_folder, is_wanted, resolved, text_file

if TYPE_CHECKING:
    from crossfade.migrations.migration import Project

_REGULAR = b"100"
"""How the mode of a regular file begins."""
_ABOUT = ("name", "kind", "size")
"""The words of the line before a file's bytes."""


def compared(projects: Iterable[Project], reference: str, skip: Callable[[Path], bool]) -> tuple[Project, ...]:
    """The projects, each with what differs from the commit in its past.

    `skip` says which files and folders are left alone. Raises `UsageError` where git is not installed, or a folder is
    in no repository; a commit that git does not know has nothing.
    """
    commits: dict[Path, _Commits] = {}
    return tuple(_compared(project, reference, skip, commits) for project in projects)


@dataclass(frozen=True, slots=True)
class _Commits:
    """What a reference is in one repository."""

    parted: str
    """Where the branch began."""
    tip: str

    @classmethod
    def of(cls, top: Path, reference: str) -> _Commits:
        """As git says; the reference itself where git does not know it."""
        parted = git(top, "merge-base", "--end-of-options", reference, "HEAD")
        tip = git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
        return cls(*(reference if run.returncode else run.stdout.decode().strip() for run in (parted, tip)))


def _compared(project: Project, reference: str, skip: Callable[[Path], bool], commits: dict[Path, _Commits]) -> Project:
    if not is_folder(project.root) or not project.migrations or _is_scattered(project):
        return project
    top = top_of(project.root)
    if not resolved(project.root).is_relative_to(resolved(top)):
        return project  # the environment has named a work tree that is elsewhere
    if top not in commits:
        commits[top] = _Commits.of(top, reference)
    there = commits[top]
    by_now = _project(project, there.tip, top, skip)
    was = by_now if there.tip == there.parted else _project(project, there.parted, top, skip)
    past = of_commit(project, was, by_now, reference, is_file)
    return replace(project, past=(*project.past, past))


def _is_scattered(project: Project) -> bool:
    """Files that were named one by one, of which no folder is the project."""
    return project.tool is Tool.PLAIN and any(m.file.parent != project.root for m in project.migrations)


def _project(project: Project, commit: str, top: Path, skip: Callable[[Path], bool]) -> Project | None:
    """The project as a commit has it; None where there was none of that tool."""
    # What makes it Diesel's may be a file above it, which is not read.
    folder = replace(_folder(project.root, commit, top, skip), is_of_diesel=project.tool is Tool.DIESEL)
    found = (p for p in projects_of(folder) if p.root == project.root and p.tool is project.tool)
    return next((p for p in found if p.migrations), None)


def _folder(root: Path, commit: str, top: Path, skip: Callable[[Path], bool]) -> Folder:
    below = resolved(root).relative_to(resolved(top)).as_posix()
    place = () if below == "." else (f"{below}/",)
    listed = git(top, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *place)
    found, wanted = dict[str, File | None](), dict[PurePosixPath, str]()
    for line in listed.stdout.split(b"\0"):
        about, _, name = line.partition(b"\t")
        path = PurePosixPath(os.fsdecode(name))
        if name and about.startswith(_REGULAR):
            path = path.relative_to(below)
            if not _is_passed_over(root, path, skip):
                found[path.as_posix()] = None
                if is_wanted(root / path):
                    wanted[path] = about.split()[2].decode()
    for path, content in _contents(top, wanted):
        file = text_file(root / path, content)
        if isinstance(file, File):
            found[path.as_posix()] = file
    return folder_of(root, found)


def _is_passed_over(root: Path, path: PurePosixPath, skip: Callable[[Path], bool]) -> bool:
    """As in a walk over the disk."""
    hidden = any(part.startswith(".") for part in path.parts) or not NOT_ENTERED.isdisjoint(path.parts[:-1])
    return hidden or any(skip(root / place) for place in (path, *path.parents[:-1]))


def _contents(top: Path, wanted: Mapping[PurePosixPath, str]) -> Iterator[tuple[PurePosixPath, bytes]]:
    names = "".join(f"{name}\n" for name in wanted.values())
    output, place = git(top, "cat-file", "--batch", given=names.encode()).stdout, 0
    for path in wanted:
        end = output.find(b"\n", place)
        about = output[place:end].split()
        if len(about) != len(_ABOUT):
            place = end + 1  # a clone without all files says so in place of it
            continue
        begin = end + 1
        place = begin + int(about[2]) + 1
        yield path, output[begin : place - 1]
