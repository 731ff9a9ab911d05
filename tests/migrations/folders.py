"""Folders of migrations written for a test, and what is asked of the projects that are read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from crossfade.migrations.migration import Project
from crossfade.migrations.read import read
from crossfade.migrations.script import Script, Source

FIXTURES = Path(__file__).parents[1] / "fixtures" / "migrations"


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """The files below a folder; the folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def only(root: Path, files: Mapping[str, str | bytes]) -> Project:
    """The one project in a folder with these files."""
    (project,) = read([write(root, files)])
    return project


def names(project: Project) -> list[str]:
    return [migration.name for migration in project.migrations]


def ups(project: Project) -> list[list[str]]:
    """The text of the statements that go up, by migration."""
    return [[statement.text for statement in migration.up.statements] for migration in project.migrations]


def downs(project: Project) -> list[list[str] | None]:
    return [
        None if migration.down is None else [statement.text for statement in migration.down.statements]
        for migration in project.migrations
    ]


def told(project: Project) -> list[str]:
    """Its problems, as `file: message` with the file's name only, and the line where it is not the first."""
    places = {problem: "" if problem.line == 1 else f":{problem.line}" for problem in project.problems}
    return [f"{problem.file.name}{place}: {problem.message}" for problem, place in places.items()]


def only_told(projects: Iterable[Project]) -> list[str]:
    """The same of several projects."""
    return [line for project in projects for line in told(project)]


def script_of(text: str) -> Script:
    return Script(source=Source(Path("a.sql"), text))
