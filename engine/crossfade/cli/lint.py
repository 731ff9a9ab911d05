"""The command lint: unsafe statements in migrations, in the form that is asked for."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.cli.call import Call, only_our_errors
from crossfade.cli.lint_answer import answer, baseline_at, form_of, keep_baseline
from crossfade.cli.lint_options import (
    BaselineFile,
    Explain,
    Fail,
    Format,
    GitDiff,
    History,
    LintFormat,
    List,
    Output,
    Paths,
    PgVersion,
    WriteBaseline,
)
from crossfade.cli.output import print_json, print_page
from crossfade.errors import UsageError
from crossfade.lint.settings import NEWEST, OLDEST, FailOn, LintSettings, server_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.migration import Migration, Project
    from crossfade.migrations.typed import Enums
    from crossfade.postgres.forecast import Schema


def lint(
    call: Call,
    paths: Paths = None,
    git_diff: GitDiff = None,
    format_: Format = None,
    output: Output = None,
    fail_on: Fail = None,
    pg_version: PgVersion = None,
    history: History = None,
    baseline: BaselineFile = None,
    write_baseline: WriteBaseline = False,
    explain: Explain = None,
    list_: List = False,
) -> int:
    """Find statements in migrations that would block or break a running app.

    Nothing is changed, and no database is needed; with --database its tables and their rows are known. Exit code 1 for
    findings at or above --fail-on.
    """
    form = form_of(call, format_)
    if explain is not None or list_:
        return _rules(explain, as_json=form is LintFormat.JSON)
    settings = call.lint
    version = _version(pg_version)
    file = _baseline_file(baseline, settings, is_needed=write_baseline)
    with _without_collection():
        projects = _projects(call, _paths(paths, settings), git_diff, history)
        if call.given_database is not None:
            # The others are taken to be applied there.
            projects = [_only_asked(project) for project in projects]

        from crossfade.lint.check import check
        from crossfade.lint.listing import asked
        from crossfade.lint.verdict import Frame, judge

        frame = Frame(
            settings=settings,
            fail_on=fail_on or settings.fail_on or FailOn.ERROR,
            here=Path.cwd(),
            baseline=None if file is None else baseline_at(file, is_written=write_baseline),
            is_there=Path.exists,
        )
        schema = _schema(call, projects, version)
        rules = asked(settings, projects)
        verdict = judge(check(projects, schema, call.fixed, settings.naming, _enums(call), rules), frame)
        if file is not None and verdict.baseline is not None and write_baseline:
            return keep_baseline(file, verdict.baseline, form)
        return answer(verdict, form, output)


@contextmanager
def _without_collection() -> Iterator[None]:
    """What a lint makes is kept until it ends: to look through all of it for garbage is a twentieth of its time."""
    usual = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if usual:
            gc.enable()


def _rules(name: str | None, *, as_json: bool) -> int:
    from crossfade.cli import lint_rules_page as pages

    if name is None:
        if as_json:
            print_json({"rules": pages.documents()})
        else:
            print_page(pages.page_of_all())
        return 0
    rule = pages.rule_named(name)
    if as_json:
        print_json(pages.document(rule))
    else:
        sys.stdout.write(pages.page_of(rule))
    return 0


def _version(text: str | None) -> int | None:
    found = None if text is None else server_version(text)
    if text is not None and found is None:
        raise UsageError(
            f"--pg-version: {text} is no version of PostgreSQL from {OLDEST} to {NEWEST}", hint="Write 16, or 14.2."
        )
    return found


def _paths(given: list[str] | None, settings: LintSettings) -> list[str]:
    from crossfade.cli.lint_rules_page import rule_named

    for name in settings.named_rules:
        rule_named(name)
    found = given or [os.path.relpath(_below(settings, path)) for path in settings.paths]
    if not found:
        raise UsageError(
            "no path was given",
            hint='Name files or folders of migrations, or write paths = ["migrations"] into [lint] of crossfade.toml.',
        )
    return found


def _below(settings: LintSettings, path: str) -> Path:
    return Path(path) if settings.root is None else settings.root / path


_PRINT_IT = (
    "Name a file or folder with SQL. Migrations in code have to be printed as SQL by their tool first, such as "
    "`alembic upgrade head --sql | crossfade lint -`."
)


def _projects(call: Call, paths: list[str], git_diff: str | None, history: str | None) -> "Sequence[Project]":
    from crossfade.migrations.read import STANDARD_INPUT, STANDARD_INPUT_SHOWN, read

    if history is not None and call.given_database is None:
        raise UsageError("--history names a table of a database", hint="Add --database URL.")
    projects = read(paths, skip=lambda file: is_excluded(file, call.lint))
    if not any(p.migrations or p.problems for p in projects):
        raise UsageError(f"there is no migration in {', '.join(paths)}", hint=_PRINT_IT)
    if call.given_database is not None:
        from crossfade.cli.guard import table_of
        from crossfade.cli.lint_past import with_history

        table = table_of(history)
        projects = with_history(call.given_database, projects, table, is_whole=not call.lint.exclude)
    if git_diff is None:
        return projects
    from crossfade.migrations.changed import changed, only_changed
    from crossfade.migrations.committed import compared
    from crossfade.migrations.walk import resolved

    files = changed(git_diff, [Path(path) for path in paths if path != STANDARD_INPUT])
    # What comes through a pipe is no commit's.
    asked = files | {resolved(STANDARD_INPUT_SHOWN)}
    return only_changed(compared(projects, git_diff, lambda file: is_excluded(file, call.lint)), asked)


def is_excluded(file: Path, settings: LintSettings) -> bool:
    """Whether the settings of lint leave a file or folder alone."""
    from crossfade.lint.patterns import fits

    if settings.root is None or not settings.exclude:
        return False
    path = Path(os.path.relpath(file, settings.root)).as_posix()
    return any(fits(path, pattern) for pattern in settings.exclude)


def _only_asked(project: "Project") -> "Project":
    def is_asked(migration: "Migration") -> bool:
        ways = (migration.up, migration.down)
        return any(project.asks_for(script.source.path) for script in ways if script is not None)

    return replace(project, migrations=tuple(filter(is_asked, project.migrations)))


def _schema(call: Call, projects: "Sequence[Project]", version: int | None) -> "Schema":
    from crossfade.cli.lint_schema import empty_schema, schema_of_database

    if call.given_database is None:
        return empty_schema(version or call.lint.pg_version or OLDEST * 10_000 + 99)
    with only_our_errors():
        found = schema_of_database(call.given_database, projects, call.fixed)
    return found if version is None else replace(found, server_version=version)


def _enums(call: Call) -> "Enums":
    from crossfade.cli.lint_schema import enums_of_database
    from crossfade.migrations.typed import Enums

    if call.given_database is None:
        return Enums()
    with only_our_errors():
        return enums_of_database(call.given_database)


def _baseline_file(given: Path | None, settings: LintSettings, *, is_needed: bool) -> Path | None:
    if given is not None:
        return given
    if settings.baseline is not None:
        return Path(os.path.relpath(_below(settings, settings.baseline)))
    if is_needed:
        raise UsageError("--write-baseline does not know where to", hint="Add --baseline FILE.")
    return None


COMMANDS = (lint,)
