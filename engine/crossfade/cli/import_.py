"""The command import: migrations of another tool become plans."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossfade.cli.call import Call, only_our_errors
from crossfade.cli.output import print_json
from crossfade.errors import UsageError

if TYPE_CHECKING:
    from crossfade.cli.import_answer import Answer
    from crossfade.cli.import_origins import Start
    from crossfade.migrations.imported import Imported
    from crossfade.migrations.imported.certain import Known
    from crossfade.migrations.imported.plan_files import Parted
    from crossfade.migrations.migration import Project
    from crossfade.plan.names import TableName


class Source(StrEnum):
    """Whose migrations they are."""

    SQL = "sql"
    PRISMA = "prisma"
    DRIZZLE = "drizzle"


def import_(
    call: Call,
    source: Annotated[
        Source, typer.Argument(metavar="TOOL", help="Whose they are: prisma, drizzle, or sql for those of any tool.")
    ],
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder that has the migrations.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the plans are written.", show_default=False)],
    app: Annotated[
        list[str] | None,
        typer.Option(
            "--app",
            metavar="NAME=RANGE",
            help="An app of the plans' roster, and which of its versions use the new shape only; repeatable.",
        ),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            "--history",
            metavar="TABLE",
            help="The table of the tool's history, where it is not the one that it makes by itself.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        bool,
        typer.Option(
            "--split",
            help="Part each migration in two files, for expand and contract, beside the plans; for most tools.",
        ),
    ] = False,
    whole_history: Annotated[
        bool,
        typer.Option(
            "--whole-history",
            help="Import all migrations, and run them in two scratch databases, by their plans and as they are: is it "
            "the same schema? The databases are on the server of --database, or on a server of its own.",
        ),
    ] = False,
) -> int:
    """Write plans that do what the migrations of another tool do, without blocking or breaking a running app.

    With --database the migrations that the tool has not applied there, else all of them. Nothing in the database is
    changed. Exit code 1 where a part of a migration is in no plan.
    """
    from crossfade.cli.guard import table_of
    from crossfade.cli.import_answer import Answer
    from crossfade.cli.import_halves import refuse_others

    answer = Answer()
    projects = _projects(source, folder, call)
    if split:
        refuse_others(projects)
    apps, table = _roster(call, app or ()), table_of(history)
    wanted = _Wanted(apps=apps, history=table, known=_known(source, folder), parted=_parted(split))
    # The whole history begins with an empty database, whatever the one that is named has.
    every = [_Chosen(project=project, begins_empty=True) for project in projects]
    for chosen in every if whole_history else _chosen(call, projects, table, answer):
        answer.add(chosen.project, _imported(call, chosen, wanted, answer))
    _write(out, answer)
    if whole_history:
        _replay(call, answer)
    if call.json:
        print_json(answer.as_json(out))
    else:
        answer.print(out)
    return 0 if answer.is_whole else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """A project, and which of its files are imported, over which database; None is all, and none."""

    project: "Project"
    files: frozenset[str] | None = None
    database: str | None = None
    begins_empty: bool = False
    """There is nothing before the first file, whatever snapshots tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What every plan gets."""

    apps: Mapping[str, Any]
    history: "TableName | None"
    known: "Known"
    parted: "Parted | None"


def _projects(source: Source, folder: str, call: Call) -> "Sequence[Project]":
    from crossfade.cli.lint import is_excluded
    from crossfade.migrations.migration import Tool
    from crossfade.migrations.read import read

    if not Path(folder).exists():
        raise UsageError(f"there is no folder {folder}", hint="Name the one that has the migrations.")
    found = read([folder], skip=lambda file: is_excluded(file, call.lint))
    tools = {Source.PRISMA: {Tool.PRISMA}, Source.DRIZZLE: {Tool.DRIZZLE, Tool.DRIZZLE_1}}.get(source)
    mine = [project for project in found if tools is None or project.tool in tools]
    if not any(project.migrations or project.problems for project in mine):
        others = sorted({project.tool.value for project in found if project.migrations})
        hint = f"There are some of {', '.join(others)}: crossfade import sql {folder}" if others else None
        raise UsageError(f"there is no migration of {source} in {folder}", hint=hint)
    return mine


def _chosen(
    call: Call, projects: "Sequence[Project]", table: "TableName | None", answer: "Answer"
) -> Iterator[_Chosen]:
    """The projects with what the tool would run, where there is a database that says so."""
    from crossfade.migrations.histories import HISTORIES

    known = [project for project in projects if project.tool.value in HISTORIES]
    if call.given_database is None or not known:
        yield from (_Chosen(project=project, database=call.given_database) for project in projects)
        return
    with call.engine() as engine:
        standings = engine.pending_migrations(known, (), table)
    for standing in standings:
        if standing.halted is not None:
            raise UsageError(
                f"{standing.project.tool} would run nothing here, since {standing.halted}",
                hint="Put that right with the tool itself first.",
            )
        answer.left += [
            (entry.name, f"it is not recorded, and {standing.project.tool} would never run it")
            for entry in standing.hidden
        ]
        for waiting in standing.waiting:
            if waiting.cover is not None:
                answer.left.append((waiting.entry.name, f"the run {waiting.cover.plan} does its work"))
        files = {w.entry.file or "" for w in standing.waiting if w.cover is None}
        yield _Chosen(project=standing.project, files=frozenset(files), database=call.given_database)
    others = (project for project in projects if project not in known)
    yield from (_Chosen(project=project, database=call.given_database) for project in others)


def _imported(call: Call, chosen: _Chosen, wanted: _Wanted, answer: "Answer") -> "Sequence[Imported]":
    from crossfade.cli.import_known import renames
    from crossfade.cli.import_origins import origins
    from crossfade.large_stack import as_deep_as_it_takes
    from crossfade.migrations.imported import imported
    from crossfade.migrations.migration import Tool

    project = chosen.project
    answer.problems += project.problems
    start, is_drizzle = _start(call, chosen), project.tool in {Tool.DRIZZLE, Tool.DRIZZLE_1}
    known = replace(wanted.known, asks_about_renames=is_drizzle, renames=renames(project))

    def work() -> "Sequence[Imported]":
        found, _ = origins(project, start, wanted.history, chosen.files)
        return list(imported(found, wanted.apps, known, answer.names, wanted.parted))

    return as_deep_as_it_takes(work)


def _replay(call: Call, answer: "Answer") -> None:
    from crossfade.cli.import_replay import schema_difference
    from crossfade.workflow.whole_history import ReplayFailed

    for project, found in answer.imports:
        try:
            with only_our_errors():
                difference, passed = schema_difference(call.given_database, project, found)
        except ReplayFailed as error:
            difference, passed = str(error), ()
        answer.replayed.append((str(project.root), difference, passed))


def _start(call: Call, chosen: _Chosen) -> "Start":
    from crossfade.cli.import_known import with_snapshot
    from crossfade.cli.import_origins import Start
    from crossfade.cli.lint_schema import empty_schema, enums_of_database, schema_of_database
    from crossfade.lint.settings import OLDEST
    from crossfade.migrations.typed import Enums

    if chosen.database is None:
        schema = empty_schema(call.lint.pg_version or OLDEST * 10_000 + 99)
        start = Start(schema=schema, enums=Enums(), fixed=call.fixed)
        return start if chosen.begins_empty else with_snapshot(start, chosen.project)
    files = chosen.files
    pending = [m for m in chosen.project.migrations if files is None or str(m.file) in files]
    with only_our_errors():
        asked = [replace(chosen.project, migrations=tuple(pending))]
        schema = schema_of_database(chosen.database, asked, call.fixed)
        enums = enums_of_database(chosen.database)
    return Start(schema=schema, enums=enums, fixed=call.fixed)


def _parted(is_wanted: bool) -> "Parted | None":
    from crossfade.migrations.imported import halves

    return halves if is_wanted else None


def _known(source: Source, folder: str) -> "Known":
    from crossfade.cli.import_known import known_to_prisma
    from crossfade.migrations.imported.certain import NOTHING_KNOWN

    return known_to_prisma(Path(folder)) if source is Source.PRISMA else NOTHING_KNOWN


def _roster(call: Call, given: Sequence[str]) -> Mapping[str, Any]:
    apps = _apps(given) if given else call.apps
    _refuse_invalid(apps, "--app" if given else "the setting `apps`")
    return apps


def _apps(given: Sequence[str]) -> dict[str, Any]:
    """The roster as a plan has it; a range may begin with its scheme: `api=integer:>=412`."""
    from typing import get_args

    from crossfade.plan.versions import Scheme

    found: dict[str, Any] = {}
    for text in given:
        name, equal, range_ = text.partition("=")
        if not (name and equal and range_.strip()):
            raise UsageError(f"--app {text} is not NAME=RANGE", hint="Write --app 'api=>=2.0.0'.")
        if name in found:
            raise UsageError(f"--app: {name} is given twice")
        scheme, colon, rest = range_.partition(":")
        known = colon and scheme in get_args(Scheme)
        found[name] = {"scheme": scheme, "new": rest} if known else {"scheme": "semver", "new": range_}
    return found


def _refuse_invalid(apps: Mapping[str, Any], where: str) -> None:
    from crossfade.errors import InvalidPlan
    from crossfade.plan.load import parse_plan
    from crossfade.plan.written import written

    if not apps:
        return
    probe = {"set_comment": {"table": "t", "comment": "c"}}
    try:
        parse_plan(written("p", [probe], above={"apps": apps}), "--app")
    except InvalidPlan as error:
        first = error.problems[0]
        raise UsageError(f"{where}: {first.message}", hint=first.hint or None) from None


def _write(out: Path, answer: "Answer") -> None:
    """All plans; nothing that is there and says something else is overwritten."""
    from crossfade.cli.import_halves import halves_of

    plans = {out / plan.file_name: plan.text for one in answer.migrations for plan in one.plans}
    plans |= {out / "migrations" / path: text for path, text in halves_of(answer.imports).items()}
    try:
        out.mkdir(parents=True, exist_ok=True)
        other = [file for file, text in plans.items() if file.exists() and file.read_text(encoding="utf-8") != text]
        if other:
            raise UsageError(
                f"{other[0]} is there and says something else", hint="Remove it, or name another folder: --out DIR."
            )
        for file, text in plans.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "a file there is not UTF-8"
        raise UsageError(f"cannot write the plans into {out}: {reason}") from None


COMMANDS = (import_,)
