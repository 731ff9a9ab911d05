"""The command export: a plan or a run as migrations of another tool."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossfade.cli.call import Call, only_our_errors
from crossfade.cli.options import Acks
from crossfade.cli.output import print_json, say
from crossfade.cli.targets import acknowledged, duration, target
from crossfade.errors import UsageError

if TYPE_CHECKING:
    from crossfade.lint.finding import Finding
    from crossfade.workflow.exports.journal import Journal
    from crossfade.workflow.exports.layouts import ExportedFile
    from crossfade.workflow.exports.linted import Linted

_STAMP = "%Y%m%d%H%M%S"


class As(StrEnum):
    """Whose layout is written; that of the files, whose module is too heavy for starting up."""

    SQL = "sql"
    PRISMA = "prisma"
    DRIZZLE = "drizzle"


def export(
    call: Call,
    run: Annotated[str, typer.Argument(metavar="RUN|PLAN", help="A run's name, or a plan file.", show_default=False)],
    as_: Annotated[As, typer.Option("--as", help="Whose layout.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="A new folder for the files.", show_default="the plan's name"),
    ] = None,
    lock_timeout: Annotated[
        str, typer.Option("--lock-timeout", metavar="DURATION", help="How long a file waits for a lock.")
    ] = "2s",
    stamp: Annotated[
        str | None,
        typer.Option(
            "--stamp", metavar="YYYYMMDDHHMMSS", help="The time in the first name.", show_default="now, in UTC"
        ),
    ] = None,
    migrations: Annotated[
        Path | None,
        typer.Option(
            "--migrations",
            metavar="DIR",
            help="With --as drizzle: the folder of your migrations. Where it has a journal the files are of 0.x, and "
            "continue it; else they are of 1.x.",
            show_default=False,
        ),
    ] = None,
    ack: Acks = None,
) -> int:
    """Write a plan's phases as migrations for a team that deploys with its own tool.

    A folder for each phase, with a way up and a way down, and a README that says when each is applied. Nothing is
    changed in the database, whose tables decide what the plan comes to.
    """
    from crossfade.lint.finding import Severity
    from crossfade.workflow.exports.covered import covered_program
    from crossfade.workflow.exports.journal import continued
    from crossfade.workflow.exports.layouts import Layout, Settings, files_of, text_of
    from crossfade.workflow.exports.parts import migrations_of
    from crossfade.workflow.exports.readme import readme

    wait = duration(lock_timeout, "--lock-timeout")
    begin = _time(stamp)
    journal = _journal(as_, migrations)
    layout = Layout(as_.value) if journal is None else Layout.DRIZZLE_0
    with call.engine() as engine:
        covered = covered_program(engine, target(run), layout, acknowledged(ack))
    program = covered.program
    assert wait is not None
    settings = Settings(
        plan=program.plan,
        layout=layout,
        begin=begin,
        lock_timeout=f"{round(wait.total_seconds() * 1000)}ms",
        replaced=covered.replaced,
        recorded=covered.recorded,
    )
    if journal is not None:
        settings = replace(settings, journal=journal)
    home = out or Path(program.plan)
    made = _linted(call, tuple(files_of(migrations_of(program), settings)), has_begun=covered.has_begun)
    texts = {"README.md": readme(made.files, settings), **{file.path: text_of(file) for file in made.files}}
    _write(home, {**texts, **dict(continued(made.files, settings.journal))})
    told = [finding for finding in made.findings if finding.severity is not Severity.NOTE]
    if call.json:
        print_json(
            {
                "plan": program.plan,
                "as": as_.value,
                "directory": str(home),
                "files": [file.path for file in made.files],
                "findings": [_document(f) for f in told],
            }
        )
        return 0
    says = "says when each folder is applied"
    if as_ is As.DRIZZLE:
        says += ", and what to do then so that drizzle-kit does not generate the same again"
    sys.stdout.write(f"{home}: {len(made.files)} files; {home / 'README.md'} {says}\n")
    for finding in told:
        say(f"{home / finding.file}:{finding.position.line}: {finding.rule}: {finding.message}")
    return 0


def _time(stamp: str | None) -> datetime:
    if stamp is None:
        return datetime.now(UTC)
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"--stamp: {stamp} is no time", hint="Write 20260131120000.") from None


def _journal(as_: As, folder: Path | None) -> "Journal | None":
    """The journal of a project of Drizzle 0.x; None for any other."""
    from crossfade.migrations.drizzle_journal import PLACE
    from crossfade.workflow.exports.journal import journal_in

    if folder is None:
        return None
    if as_ is not As.DRIZZLE:
        raise UsageError("--migrations is for --as drizzle")
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="Name the one that has the migrations: --migrations DIR.")
    file = folder / PLACE
    try:
        return journal_in(file.read_text(encoding="utf-8"), str(file)) if file.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{file} cannot be read: {why}") from None


def _linted(call: Call, files: "tuple[ExportedFile, ...]", *, has_begun: bool) -> "Linted":
    """Once a run has begun the tables are no longer those that the first file finds."""
    from crossfade.cli.lint_schema import empty_schema, schema_of_database
    from crossfade.postgres.connect import database_url
    from crossfade.workflow.exports.linted import linted, projects

    with only_our_errors():
        schema = schema_of_database(database_url(call.database), projects(files))
    return linted(files, empty_schema(schema.server_version), None if has_begun else schema)


def _write(home: Path, texts: dict[str, str]) -> None:
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise UsageError(f"{home} is there already, and is not an empty folder", hint="Name a new one with --out DIR.")
    try:
        for path, text in texts.items():
            file = home / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{home} cannot be written: {error.strerror}") from None


def _document(finding: "Finding") -> dict[str, object]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "file": str(finding.file),
        "line": finding.position.line,
        "message": finding.message,
    }


COMMANDS = (export,)
