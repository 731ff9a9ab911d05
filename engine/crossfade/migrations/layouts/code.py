"""Migrations that are code and no SQL: who writes them so, and how SQL is got out of them. Pure.

Only files whose names look like a tool's are looked at, in folders that are called so or have SQL in them, and only
those whose text says so are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from crossfade.migrations.migration import Problem

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A way to write migrations in a language."""

    tool: str
    name: re.Pattern[str]
    """Of a file."""
    says: re.Pattern[str]
    """Stands in its text."""
    hint: str
    """How to get at the SQL; `{app}` and `{name}` are the Django application and the migration."""


_SCRIPT = re.compile(r"\d+[_.-].+\.[cm]?[jt]s")
_OTHER = "let the tool print the SQL that it would run, and lint that: `… | crossfade lint -`"
_KINDS = (
    _Kind(
        tool="Alembic",
        name=re.compile(r".+\.py"),
        says=re.compile(r"^down_revision\b", re.MULTILINE),
        hint="`alembic upgrade head --sql | crossfade lint -` reads the SQL that it makes",
    ),
    _Kind(
        tool="Django",
        name=re.compile(r"\d+_.+\.py"),
        says=re.compile(r"\bmigrations\.Migration\b"),
        hint="`python manage.py sqlmigrate {app} {name} | crossfade lint -` reads the SQL that it makes",
    ),
    _Kind(
        tool="node-pg-migrate",
        name=_SCRIPT,
        says=re.compile(r"\bpgm\b|node-pg-migrate"),
        hint="`node-pg-migrate up --dry-run` prints the SQL that it makes, and `crossfade lint -` reads it",
    ),
    _Kind(tool="Knex", name=_SCRIPT, says=re.compile(r"\bknex\b"), hint=_OTHER),
    _Kind(tool="Sequelize", name=_SCRIPT, says=re.compile(r"\bqueryInterface\b"), hint=_OTHER),
    _Kind(tool="TypeORM", name=_SCRIPT, says=re.compile(r"\bMigrationInterface\b"), hint=_OTHER),
    _Kind(
        tool="a JavaScript tool",
        name=_SCRIPT,
        says=re.compile(r"\bexports\.up\b|^export (?:async )?(?:function|const) up\b", re.MULTILINE),
        hint=_OTHER,
    ),
    _Kind(tool="goose", name=re.compile(r"\d+_.+(?<!_test)\.go"), says=re.compile(r"\bpackage\b"), hint=_OTHER),
    _Kind(tool="Flyway", name=re.compile(r"[VR].*__.+\.(java|kt)"), says=re.compile("Migration"), hint=_OTHER),
    _Kind(tool="Rails", name=re.compile(r"\d+_.+\.rb"), says=re.compile(r"\bActiveRecord::Migration\b"), hint=_OTHER),
)
_NUMBERED = re.compile(r"\d+[_.-].+\.([cm]?[jt]s|go|rb)|[VR].*__.+\.(java|kt)")
_FOLDERS = frozenset({"migrations", "migration", "migrate", "versions"})
_LANGUAGES = frozenset({".py", ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".go", ".java", ".kt", ".rb"})
_NO_SQL = _LANGUAGES | {
    *(".md", ".rst", ".html", ".css", ".json", ".toml", ".yaml", ".yml", ".xml", ".lock", ".conf", ".plan", ".ini"),
    *(".prisma", ".tsx", ".jsx", ".vue", ".rs", ".sh", ".php", ".cs", ".c", ".h", ".cpp", ".swift", ".ex", ".exs"),
}


def may_be_migration(folder: str, name: str) -> bool:
    """Whether a file is worth reading, by the name of its folder and its own."""
    return folder in _FOLDERS and name != "__init__.py" and any(kind.name.fullmatch(name) for kind in _KINDS)


def may_be_beside_sql(name: str) -> bool:
    """The same of a file in a folder with SQL, whatever that is called."""
    return _NUMBERED.fullmatch(name) is not None


def is_no_sql(path: PurePath) -> bool:
    """Whether a file is something other than SQL by its name, as in a list of all files that a commit touches."""
    return path.suffix.lower() in _NO_SQL


def in_folder(folder: Folder) -> Iterator[Problem]:
    """One problem for each tool whose migrations stand directly in a folder as code, at the first of them."""
    by_tool: dict[str, list[File]] = {}
    for _, file in sorted(folder.files.items()):
        kind = _kind(file)
        if kind is not None:
            by_tool.setdefault(kind.tool, []).append(file)
    kinds: Mapping[str, _Kind] = {kind.tool: kind for kind in _KINDS}
    for tool, files in by_tool.items():
        yield _problem(kinds[tool], files[0].path, len(files) - 1)


def of_file(file: File) -> Problem | None:
    """What is to be said of a file of no SQL that was named; None where it migrates nothing."""
    kind = _kind(file)
    return _problem(kind, file.path, 0) if kind is not None else None


def _kind(file: File) -> _Kind | None:
    return next((k for k in _KINDS if k.name.fullmatch(file.path.name) and k.says.search(file.text)), None)


def _problem(kind: _Kind, path: Path, others: int) -> Problem:
    beside = "" if not others else f", and so {'is one more' if others == 1 else f'are {others} more'} beside it"
    app = path.parent.parent.name or "APP"
    return Problem(
        file=path,
        message=f"it is a migration of {kind.tool} in code, not SQL{beside}",
        hint=kind.hint.format(app=app, name=path.stem),
    )
