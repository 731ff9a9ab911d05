"""What lint says of migrations written in a test: their texts in, findings out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.lint.check import check
from crossfade.lint.finding import Severity
from crossfade.lint.walk import walk
from crossfade.migrations.migration import Migration, Project, Tool, Transaction
from crossfade.migrations.script import Script, Source
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema

if TYPE_CHECKING:
    from crossfade.lint.finding import Finding

EMPTY = Schema.of(Catalog(server_version=140000, time_zone="?"))


@dataclass(frozen=True, kw_only=True)
class Written:
    """How the files of a test are applied, and by whom."""

    tool: Tool = Tool.PLAIN
    transaction: Transaction = Transaction.ALWAYS
    schema: Schema = EMPTY


def after(text: str, written: Written | None = None) -> Schema:
    """The model as a migration of this text leaves it."""
    how = written or Written()
    project = Project(tool=how.tool, root=Path(), migrations=(_migration(0, text, how),))
    return walk(project, how.schema)[1]


def told(*files: str, written: Written | None = None) -> list[Finding]:
    """All findings of the last file; those before it are earlier migrations."""
    how = written or Written()
    migrations = tuple(_migration(n, text, how) for n, text in enumerate(files))
    report = check([Project(tool=how.tool, root=Path(), migrations=migrations)], how.schema)
    return [f for f in report.findings if f.file == migrations[-1].file]


def errors(findings: list[Finding]) -> list[Finding]:
    """The errors among them."""
    return [f for f in findings if f.severity is Severity.ERROR]


def rules(findings: list[Finding]) -> list[str]:
    """Which rules speak, each once."""
    return list(dict.fromkeys(f.rule for f in findings))


def _migration(number: int, text: str, how: Written) -> Migration:
    file = Path(f"{number:04}.sql")
    return Migration(
        name=file.stem, file=file, up=Script(source=Source(file, text)), transaction=how.transaction, order=(number,)
    )
