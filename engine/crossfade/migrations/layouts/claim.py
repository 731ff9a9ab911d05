"""What a layout makes of a folder, and what layouts make it with.

A layout is a module with `claim(folder) -> Claim | None`: None says that the folder is not its tool's. Layouts are
pure: they see files that were read, and open none.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from crossfade.migrations.migration import Problem
from crossfade.migrations.script import Script, Source

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.migrations.folder import File
    from crossfade.migrations.migration import Migration, Tool

_NUMBER = re.compile(r"(\d+)")
_DUMP = re.compile(r"\s*--\s*\n-- PostgreSQL database (cluster )?dump\b")
MARK = "it begins with a byte order mark"
OURS = frozenset({"postgres", "postgresql", "pg", "pgsql", "psql"})
OTHERS = frozenset(
    {
        "mysql",
        "mariadb",
        "sqlite",
        "sqlite3",
        "h2",
        "hsqldb",
        "derby",
        "oracle",
        "mssql",
        "sqlserver",
        "db2",
        "clickhouse",
    }
)
DATABASES = OURS | OTHERS
"""What folders are called that hold the same migrations for one database each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A folder of a tool."""

    tool: Tool
    migrations: tuple[Migration, ...]
    """In the tool's order."""
    taken: frozenset[str]
    """The names of files and folders in it that are the tool's; others may be of another project."""
    problems: tuple[Problem, ...] = ()
    reversible: bool = False
    bases: tuple[Migration, ...] = ()
    """See `Project`."""


def whole(file: File) -> Script:
    """All of a file's SQL."""
    return Script(source=Source(file.path, file.text))


def natural(name: str) -> tuple[int | str, ...]:
    """A key by which `2_b` stands before `10_a`; keys of any two names can be compared."""
    return tuple(int(part) if part.isdecimal() else part for part in _NUMBER.split(name))


def sha256_of(file: File) -> str:
    """Of the bytes of a file, in hexadecimal digits."""
    return sha256(file.content).hexdigest()


def is_dump(file: File) -> bool:
    """Whether pg_dump wrote it: the state of a schema, which no tool applies as a migration."""
    return _DUMP.match(file.text) is not None


def has_mark(file: File) -> bool:
    """Whether it begins with a byte order mark, behind which some tools do not see their first line."""
    return file.content.startswith((BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE))


def is_inside(path: str) -> bool:
    """Whether a path that a file of the project names stays below the project's folder."""
    return not path.startswith("/") and "\\" not in path and ".." not in path.split("/")


def not_postgresql(file: Path, database: str) -> Problem:
    """Of a project that is for another database."""
    return Problem(file=file, message=f"the migrations here are for {database}, not for PostgreSQL")


def without_up(file: Path, name: str) -> Problem:
    """Of a way down without its way up."""
    return Problem(
        file=file, message=f"it takes {name} back, and there is no file that makes {name}", hint="name both alike"
    )
