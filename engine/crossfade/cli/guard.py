"""The command guard: may a tool run its pending migrations now, or would it run what a plan does, or what is unsafe?"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossfade.cli.call import Call, only_our_errors
from crossfade.cli.output import plain, print_json, warn
from crossfade.errors import InvalidPlan, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crossfade.lint.verdict import Told
    from crossfade.migrations.migration import Project
    from crossfade.plan.model import Plan
    from crossfade.plan.names import TableName
    from crossfade.workflow.pending_migrations import Cover, Standing, Waiting

_UNCONFIRMED = "intent: unconfirmed"


def guard(
    call: Call,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Folders of migrations of another tool.", show_default=False)
    ],
    plans: Annotated[
        list[Path] | None,
        typer.Option(
            "--plans", metavar="DIR", help="Plans that may cover migrations, besides the database's runs; repeatable."
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
) -> int:
    """Say whether the migrations that a tool would run now are safe, for the step before it in a pipeline.

    Nothing is changed. Exit code 1 while one that is pending is covered by a plan that is not contracted, or would
    block or break a running app, and where the tool would stop at once.
    """
    projects = _projects(paths)
    known, table = _plans(plans or ()), table_of(history)
    with call.engine() as engine:
        found = engine.pending_migrations(projects, known, table)
    judged = [_judged(call, standing) for standing in found]
    if call.json:
        print_json({"safe": all(one.is_safe for one in judged), "projects": [one.as_json() for one in judged]})
    else:
        for one in judged:
            _print(one)
    return 0 if all(one.is_safe for one in judged) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A folder, with what speaks against letting its tool run."""

    standing: "Standing"
    findings: "dict[Path, tuple[Told, ...]]"
    """Those that break or block, by file, of migrations that are pending or cannot be read."""

    @property
    def unread(self) -> "tuple[Told, ...]":
        """What cannot be read, so that nobody knows what the tool would do."""
        files = {Path(waiting.entry.file or "") for waiting in self.standing.waiting}
        return tuple(told for file, found in self.findings.items() if file not in files for told in found)

    @property
    def is_safe(self) -> bool:
        """Whether the tool may run."""
        return self.standing.halted is None and not self.unread and not any(map(self.is_unsafe, self.standing.waiting))

    def is_unsafe(self, waiting: "Waiting") -> bool:
        """Whether a migration must not be run as it is."""
        return waiting.cover is not None or bool(self.findings_of(waiting))

    def findings_of(self, waiting: "Waiting") -> "tuple[Told, ...]":
        """What lint says of one that no plan covers."""
        return () if waiting.cover is not None else self.findings.get(Path(waiting.entry.file or ""), ())

    def as_json(self) -> dict[str, Any]:
        """An entry of `projects`."""
        return {
            "tool": self.standing.project.tool.value,
            "root": str(self.standing.project.root),
            "history": self.standing.table,
            "halted": self.standing.halted,
            "hidden": [entry.name for entry in self.standing.hidden],
            "changed": list(self.standing.changed),
            "gone": list(self.standing.gone),
            "unread": [_document(told) for told in self.unread],
            "pending": [self._pending(waiting) for waiting in self.standing.waiting],
        }

    def _pending(self, waiting: "Waiting") -> dict[str, Any]:
        cover = waiting.cover
        return {
            "name": waiting.entry.name,
            "file": waiting.entry.file,
            "safe": not self.is_unsafe(waiting),
            "covered_by": None if cover is None else {"plan": cover.plan, "state": cover.state},
            "findings": [_document(told) for told in self.findings_of(waiting)],
            "instead": _instead(waiting, self.findings_of(waiting)),
        }


def _document(told: "Told") -> dict[str, Any]:
    finding = told.finding
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "file": told.file,
        "line": finding.position.line,
        "message": finding.message,
    }


def _projects(paths: list[str]) -> "Sequence[Project]":
    from crossfade.migrations.histories import HISTORIES
    from crossfade.migrations.read import read

    found = read(paths)
    known = [project for project in found if project.tool.value in HISTORIES]
    for project in found:
        if project.tool.value not in HISTORIES:
            warn(f"{plain(str(project.root))}: what {project.tool} has applied is not known, so it is passed over")
    if not known:
        raise UsageError(
            f"there are no migrations in {', '.join(paths)} of a tool whose history is known",
            hint=f"Tools: {', '.join(HISTORIES)}.",
        )
    return known


def _plans(folders: "Sequence[Path]") -> "list[Plan]":
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"--plans: {folder} is no directory", hint="Name the directory that has the plans.")
    files = [file for folder in folders for file in sorted(folder.rglob("*")) if file.suffix in {".yaml", ".yml"}]
    return [_plan(file) for file in files]


def _plan(file: Path) -> "Plan":
    """A plan that nobody has confirmed covers its migrations all the same."""
    from crossfade.plan.load import load_plan, parse_plan

    try:
        return load_plan(file)
    except InvalidPlan as error:
        text = file.read_text(encoding="utf-8", errors="replace")
        try:
            plan = parse_plan(text.replace(_UNCONFIRMED, "intent: confirmed"), str(file))
        except InvalidPlan:
            raise error from None
        warn(f"{plain(str(error.problems[0]))}; nothing runs plan {plain(plan.name)} until then")
        return plan


def table_of(text: str | None) -> "TableName | None":
    """The table that --history names."""
    if text is None:
        return None
    from pydantic_core import PydanticCustomError

    from crossfade.plan.names import TableName

    try:
        return TableName.parse(text)
    except PydanticCustomError as error:
        hint = (error.context or {}).get("hint")
        raise UsageError(f"--history: {error.message()}", hint=hint) from None


def _judged(call: Call, standing: "Standing") -> Judged:
    """What lint finds in those that are pending, over the database as it is."""
    from crossfade.cli.lint_answer import baseline_at
    from crossfade.cli.lint_schema import enums_of_database, schema_of_database
    from crossfade.lint.breaking import is_unsafe
    from crossfade.lint.check import check
    from crossfade.lint.verdict import Frame, judge
    from crossfade.postgres.connect import database_url

    files = {Path(waiting.entry.file or "") for waiting in standing.waiting}
    pending = replace(
        standing.project, migrations=tuple(m for m in standing.project.migrations if m.file in files), asked=None
    )
    if not pending.migrations and not pending.problems:
        return Judged(standing=standing, findings={})
    settings = call.lint
    kept = None
    if settings.baseline is not None:
        kept = Path(os.path.relpath(settings.baseline if settings.root is None else settings.root / settings.baseline))
    with only_our_errors():
        url = database_url(call.database)
        schema, enums = schema_of_database(url, [pending], call.fixed), enums_of_database(url)
    frame = Frame(
        settings=settings,
        here=Path.cwd(),
        baseline=None if kept is None else baseline_at(kept, is_written=False),
        is_there=Path.exists,
    )
    found: dict[Path, list[Told]] = {}
    for told in judge(check([pending], schema, call.fixed, enums=enums), frame).told:
        if is_unsafe(told.finding):
            found.setdefault(told.finding.file, []).append(told)
    return Judged(standing=standing, findings={file: tuple(each) for file, each in found.items()})


def _print(judged: Judged) -> None:
    standing = judged.standing
    where = standing.table or "no history yet"
    number = len(standing.waiting)
    typer.echo(f"{standing.project.tool} in {plain(str(standing.project.root))}, {where}: {number} pending")
    for waiting in standing.waiting:
        typer.echo(f"  {'unsafe' if judged.is_unsafe(waiting) else 'safe  '}  {plain(waiting.entry.name)}")
        for line in _why(waiting, judged.findings_of(waiting)):
            typer.echo(f"          {plain(line)}")
    for told in judged.unread:
        typer.echo(f"  unsafe  {plain(_told(told))}")
    if standing.halted is not None:
        typer.echo(f"  {standing.project.tool} would stop at once, since {plain(standing.halted)}")
    for entry in standing.hidden:
        typer.echo(f"  hidden  {plain(entry.name)}: it is not recorded, and {standing.project.tool} would never run it")
    for name in standing.changed:
        typer.echo(f"  changed {plain(name)}: it is applied, and its file has another checksum now")
    for name in standing.gone:
        typer.echo(f"  gone    {plain(name)}: it is applied, and no file here makes it")


def _why(waiting: "Waiting", findings: "Sequence[Told]") -> "Iterator[str]":
    if waiting.cover is not None:
        yield _covered(waiting.cover)
    yield from (_told(told) for told in findings)
    instead = _instead(waiting, findings)
    if instead is not None:
        yield instead


def _covered(cover: "Cover") -> str:
    if cover.state is None:
        return f"plan {cover.plan} does its work, and no run of it is under way"
    return f"run {cover.plan} does its work, and is {cover.state}"


def _told(told: "Told") -> str:
    finding = told.finding
    return f"{told.file}:{finding.position.line}: {finding.rule}: {finding.message}"


def _instead(waiting: "Waiting", findings: "Sequence[Told]") -> str | None:
    cover = waiting.cover
    if cover is not None and cover.state == "contracted":
        return "It is done, and its row is gone: let the tool mark it as applied, without running it."
    if cover is not None:
        return (
            f"It is recorded once that run has come so far: crossfade advance {cover.plan if cover.state else 'PLAN'}"
        )
    if findings:
        return "Do it by a plan that covers it under `migrations`, or safely: crossfade lint says how."
    return None


COMMANDS = (guard,)
