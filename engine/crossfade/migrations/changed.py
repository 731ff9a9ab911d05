"""The files that differ from a commit, as git tells them. Runs git, and reads nothing else.

changed(reference, paths)       the files, resolved
only_changed(projects, files)   the projects with only these files asked for
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.errors import UsageError
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
    tops = dict.fromkeys(_top(path if is_folder(path) else path.parent) for path in paths)
    return frozenset(file for top in tops for file in _changed(reference, top))


def only_changed(projects: Iterable[Project], files: Collection[Path]) -> tuple[Project, ...]:
    """The projects that have one of the files, which are resolved, with only these asked for."""
    parts = (narrowed(p, frozenset(f for f in files_of(p) if resolved(f) in files)) for p in projects)
    return tuple(part for part in parts if part is not None)


def _top(folder: Path) -> Path:
    found = _git(folder, "rev-parse", "--show-toplevel")
    if found.returncode:
        raise UsageError(
            f"{os.fspath(folder)} is in no git repository that can be read: {_reason(found)}",
            hint="`--git-diff` compares with a commit; leave it out to lint all files",
        )
    return Path(os.fsdecode(found.stdout).removesuffix("\n"))


def _changed(reference: str, top: Path) -> Iterator[Path]:
    options = ("--name-only", "-z", "--no-renames", "--no-relative", "--diff-filter=d", "--end-of-options")
    different = _git(top, "diff", *options, reference, "--")
    if different.returncode:
        raise UsageError(f"git cannot compare with {reference}: {_reason(different)}", hint=_FETCH)
    new = _git(top, "ls-files", "-z", "--others", "--exclude-standard")
    if new.returncode:
        raise UsageError(f"git cannot list new files in {os.fspath(top)}: {_reason(new)}")
    for output in (different.stdout, new.stdout):
        yield from (resolved(top / os.fsdecode(name)) for name in output.split(b"\0") if name)


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", os.fspath(folder), *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(command, capture_output=True, check=False, env=environment)  # noqa: S603 - git, named above
    except FileNotFoundError:
        raise UsageError("git is not installed", hint="`--git-diff` asks it which files differ") from None


def _reason(run: subprocess.CompletedProcess[bytes]) -> str:
    lines = run.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"exit {run.returncode}"
