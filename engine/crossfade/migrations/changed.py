"""The files that differ from a commit, as git tells them. Runs git, and reads nothing else.

changed(reference, paths)       the files, resolved
only_changed(projects, files)   the projects with only these files asked for
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.errors import UsageError
from crossfade.migrations.git import git, reason, top_of
from crossfade.migrations.projects import files_of, narrowed
from crossfade.migrations.walk import is_folder, resolved

if TYPE_CHECKING:
    from crossfade.migrations.migration import Project

_FETCH = "fetch it first; a shallow clone of a CI has only the last commit"


def changed(reference: str, paths: Sequence[Path]) -> frozenset[Path]:
    """The files of the repositories of paths that differ from a commit, with those that git does not know yet.

    What was removed is not among them. Raises `UsageError` where git is not installed, a path is in no repository, or
    git does not know the commit.
    """
    if not reference or reference.startswith("-"):
        raise UsageError(f"{reference!r} is no name of a commit", hint="name a branch, a tag or a commit")
    tops = dict.fromkeys(top_of(path if is_folder(path) else path.parent) for path in paths)
    return frozenset(file for top in tops for file in _changed(reference, top))


def only_changed(projects: Iterable[Project], files: Collection[Path]) -> tuple[Project, ...]:
    """The projects that have one of the files, which are resolved, with only these asked for.

    One of which something is gone is kept, with no file asked for.
    """
    parts = (_only(project, files) for project in projects)
    return tuple(part for part in parts if part is not None)


def _only(project: Project, files: Collection[Path]) -> Project | None:
    part = narrowed(project, frozenset(f for f in files_of(project) if resolved(f) in files))
    if part is None and any(past.gone for past in project.past):
        return replace(project, asked=frozenset(), problems=())
    return part


def _changed(reference: str, top: Path) -> Iterator[Path]:
    options = ("--name-only", "-z", "--no-renames", "--no-relative", "--diff-filter=d", "--end-of-options")
    different = git(top, "diff", *options, reference, "--")
    if different.returncode:
        raise UsageError(f"git cannot compare with {reference}: {reason(different)}", hint=_FETCH)
    new = git(top, "ls-files", "-z", "--others", "--exclude-standard")
    if new.returncode:
        raise UsageError(f"git cannot list new files in {os.fspath(top)}: {reason(new)}")
    for output in (different.stdout, new.stdout):
        yield from (resolved(top / os.fsdecode(name)) for name in output.split(b"\0") if name)
