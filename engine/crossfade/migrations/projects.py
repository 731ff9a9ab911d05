"""A folder that was read, taken apart into the projects of its tools. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.migrations.folder import BESIDE
from crossfade.migrations.layouts import LAYOUTS, code
from crossfade.migrations.layouts.claim import OTHERS, OURS
from crossfade.migrations.migration import Project, Tool

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.migrations.folder import Folder


def projects_of(folder: Folder) -> Iterator[Project]:
    """The projects in a folder and below it, in the order of their paths; what could not be read is told by one.

    Folders for other databases beside one for PostgreSQL are left out.
    """
    in_code, rest = tuple(code.in_folder(folder)), folder
    for layout in LAYOUTS:
        claim = layout(rest)
        if claim is None:
            continue
        problems = (*rest.all_problems(claim.taken), *in_code, *claim.problems)
        in_code, rest = (), rest.without(claim.taken)
        if claim.migrations or problems:
            yield Project(
                tool=claim.tool,
                root=folder.path,
                migrations=claim.migrations,
                reversible=claim.reversible,
                bases=claim.bases,
                problems=problems,
            )
    if rest.problems or in_code:
        yield Project(tool=Tool.PLAIN, root=folder.path, migrations=(), problems=(*rest.problems, *in_code))
    has_ours = any(name.lower() in OURS for name in rest.folders)
    for name, inner in sorted(rest.folders.items()):
        if not (has_ours and name.lower() in OTHERS):
            yield from projects_of(inner)


def files_of(project: Project) -> frozenset[Path]:
    """Every file of a project, those with a problem too."""
    scripts = (s.source.path for m in project.migrations for s in (m.up, m.down) if s is not None)
    return frozenset((*scripts, *(problem.file for problem in project.problems)))


def narrowed(project: Project, files: Collection[Path]) -> Project | None:
    """The project with some of its files asked for; None where it has none of them.

    Problems of other files are left out, except of such as a journal, which says what the others are.
    """
    asked = frozenset(file for file in files_of(project) if file in files and project.asks_for(file))
    if not asked:
        return None
    problems = tuple(p for p in project.problems if p.file in asked or p.file.name in BESIDE)
    return replace(project, asked=asked | {problem.file for problem in problems}, problems=problems)
