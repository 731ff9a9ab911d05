"""The program: every group's commands under one name, and the options that may stand before a command."""

import inspect
from typing import Annotated, Any

import typer

from crossfade import __version__
from crossfade.cli import admin, approvals, demo, look, phases, plans, versions
from crossfade.cli.call import Common, common_options, register
from crossfade.errors import UsageError

HELP = """Ship breaking PostgreSQL schema changes while the old and the new version of an app keep running.

A plan is expanded, backfilled and contracted; each phase begins only when its gates pass.
"""
EPILOG = """Exit codes: 0 done; 1 error; 2 bad usage, an invalid plan or one that preflight refuses; 3 a gate is BLOCKED;
4 a gate is UNKNOWN or ERROR; 5 conflict; 6 a lock could not be had in time; 7 stopped with work left; 130 Ctrl-C."""
_SETTINGS: dict[str, Any] = {
    # Plain help: rich alone would take longer to load than the whole command line.
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 110},
}


def program() -> Any:
    """The command that typer makes of it all."""
    app = typer.Typer(name="crossfade", help=HELP, epilog=EPILOG, **_SETTINGS)
    app.callback(invoke_without_command=True)(_before_a_command())
    for group in (plans, phases, look, approvals, admin, demo):
        for function in group.COMMANDS:
            register(app, function)
    of_versions = typer.Typer(help="Report and see what is live.", **_SETTINGS)
    of_versions.callback(invoke_without_command=True)(_help_alone)
    for function in versions.COMMANDS:
        register(of_versions, function)
    app.add_typer(of_versions, name="versions")
    return typer.main.get_command(app)


def _before_a_command() -> Any:
    """The common options and --version, in front of the command's name."""

    def before(ctx: typer.Context, **given: Any) -> None:
        given.pop("version")
        ctx.obj = Common(**given)
        _help_alone(ctx)

    version = inspect.Parameter(
        "version",
        inspect.Parameter.KEYWORD_ONLY,
        default=False,
        annotation=Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")],
    )
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    parameters = [context, *common_options(), version]
    before.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect reads it
    before.__annotations__ = {p.name: p.annotation for p in parameters}
    return before


def _help_alone(ctx: typer.Context) -> None:
    """Without a command, its list."""
    if ctx.invoked_subcommand is not None:
        return
    if isinstance(ctx.obj, Common) and ctx.obj.json:
        raise UsageError("no command was given", hint=f"See: {ctx.command_path} --help")
    typer.echo(ctx.get_help())
    raise typer.Exit(0)


def _version(value: bool) -> None:  # noqa: FBT001 - typer passes an option's value by position
    if value:
        typer.echo(f"crossfade {__version__}")
        raise typer.Exit(0)
