"""Commands about plan files: new, check, explain, schema."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossfade.cli.app_side import AppName
from crossfade.cli.boundary import as_document, as_text
from crossfade.cli.call import Call
from crossfade.cli.options import Acks, PlanFile
from crossfade.cli.output import print_json, warn
from crossfade.cli.targets import acknowledged
from crossfade.errors import CrossfadeError, DatabaseUnreachable, InvalidPlan, PlanChanged, PreflightRefused, UsageError

if TYPE_CHECKING:
    from crossfade.plan.fixed import Fixed
    from crossfade.plan.model import Plan
    from crossfade.workflow.engine import Engine
    from crossfade.workflow.results import Preflight


def new(
    call: Call, kind: Annotated[str, typer.Argument(metavar="KIND", help="A kind of change, such as rename_column.")]
) -> int:
    """Print a commented plan to start from."""
    from crossfade.plan.template import template

    text = template(kind)
    if call.json:
        print_json({"kind": kind.replace("-", "_"), "plan": text})
    else:
        sys.stdout.write(text)
    return 0


def schema(call: Call) -> int:  # noqa: ARG001 - every command gets its call
    """Print the JSON Schema of plans, for editors."""
    from crossfade.plan.schema import plan_json_schema

    print_json(plan_json_schema())
    return 0


class Checked:
    """What `check` found out about one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.plan: Plan | None = None
        self.preflight: Preflight | None = None
        self.error: CrossfadeError | None = None

    def read(self) -> None:
        """Validate the file."""
        from crossfade.plan.load import load_plan

        try:
            self.plan = load_plan(self.file)
        except (InvalidPlan, UsageError) as error:
            self.error = error

    def take(self, found: "Preflight") -> None:
        """Keep what preflight found."""
        self.preflight = found
        if found.refusals:
            self.error = PreflightRefused(found.plan, found.refusals)

    def as_json(self) -> dict[str, Any]:
        """An entry of `plans`."""
        failed = self.error.as_json() if self.error else {}
        problems = failed.get("problems", [failed] if isinstance(self.error, UsageError) else [])
        cautions = self.preflight.cautions if self.preflight else ()
        return {
            "file": self.file,
            "name": self.plan.name if self.plan else None,
            "ok": self.error is None,
            "state": self.preflight.state if self.preflight else None,
            "problems": problems,
            "refusals": failed.get("refusals", []),
            "cautions": [{"code": c.code, "object": c.object, "message": c.message, "ack": c.ack} for c in cautions],
        }


def check(
    call: Call,
    plans: Annotated[list[str], typer.Argument(metavar="PLAN", help="Plan files.", show_default=False)],
    ack: Acks = None,
    no_database: Annotated[
        bool, typer.Option("--no-database", help="Look at the files alone, even if a database is configured.")
    ] = False,
) -> int:
    """Validate plans; with a database, against its catalog too.

    Nothing is changed. Exit code 2 for an invalid plan, or one that this database refuses.
    """
    acks = acknowledged(ack)
    checked = [Checked(file) for file in plans]
    for one in checked:
        one.read()
    unreachable = None
    if call.names_a_database and not no_database and any(one.plan for one in checked):
        unreachable = _preflight(call, checked, acks)
    elif call.fixed.entries:
        _look_for_fixed(call.fixed, checked)
    failed = [one.error for one in checked if one.error] + ([unreachable] if unreachable else [])
    if call.json:
        error = {"error": as_document(failed[0])} if failed else {}
        print_json({**error, "plans": [one.as_json() for one in checked]})
    else:
        for one in checked:
            _print_checked(one)
        if unreachable:
            sys.stderr.write(f"{as_text(unreachable)}\n")
    return failed[0].exit_code if failed else 0


def _preflight(call: Call, checked: list[Checked], acks: tuple[str, ...]) -> CrossfadeError | None:
    try:
        with call.engine() as engine:
            for one in checked:
                if one.plan is not None:
                    _examine(engine, one, one.plan, acks)
    except DatabaseUnreachable as error:
        return DatabaseUnreachable(error.message, hint="With --no-database only the files are checked.")
    return None


def _look_for_fixed(fixed: "Fixed", checked: list[Checked]) -> None:
    from crossfade.workflow.fixed_names import named_refusals

    for one in checked:
        refusals = () if one.plan is None else tuple(named_refusals(one.plan, fixed))
        if one.plan is not None and refusals:
            one.error = PreflightRefused(one.plan.name, refusals)


def _examine(engine: "Engine", one: Checked, plan: "Plan", acks: tuple[str, ...]) -> None:
    try:
        one.take(engine.check(plan, acks))
    except PlanChanged as error:
        one.error = error


def _print_checked(one: Checked) -> None:
    if one.error is not None:
        sys.stderr.write(f"{as_text(one.error)}\n")
    for caution in one.preflight.cautions if one.preflight else ():
        ack = f" (--ack {caution.ack} takes note of it)" if caution.ack else ""
        warn(f"{one.file}: {caution.object}: {caution.message}{ack}")
    if one.error is None:
        seen = "and this database can take it" if one.preflight else "no database was asked"
        if one.preflight and one.preflight.state is not None:
            seen = f"and its run is {one.preflight.state}"
        sys.stdout.write(f"{one.file}: the plan is valid, {seen}\n")


def explain(
    call: Call,
    plan: PlanFile,
    ack: Acks = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print only the SQL, in the order in which it runs.")] = False,
    app: Annotated[
        AppName | None,
        typer.Option("--app", help="Print what this makes of an app's models; needs no database.", show_default=False),
    ] = None,
    schema_file: Annotated[
        Path | None,
        typer.Option("--schema-file", metavar="FILE", help="The file with the app's models.", show_default=False),
    ] = None,
) -> int:
    """Print every statement, lock and gate of a plan.

    All that would be done to this database, in order, and what can go wrong. Nothing is changed.
    """
    from crossfade.cli import explanation
    from crossfade.plan.load import load_plan

    loaded = load_plan(plan)
    if app is not None:
        return _of_app(call, loaded, app, schema_file)
    if schema_file is not None:
        raise UsageError("--schema-file is of use with --app")
    with call.engine() as engine:
        found = engine.explain(loaded, acknowledged(ack))
    if call.json:
        print_json(explanation.document(found))
    elif sql:
        sys.stdout.write(explanation.script(found))
    else:
        sys.stdout.write(explanation.page(found))
    return 0


def _of_app(call: Call, plan: "Plan", app: AppName, schema_file: Path | None) -> int:
    from crossfade.cli import app_side

    file, found = app_side.patches_for(plan, app, schema_file)
    if call.json:
        print_json(app_side.document(plan, app, file, found))
    else:
        sys.stdout.write(app_side.page(plan, found))
    return 0


COMMANDS = (new, check, explain, schema)
