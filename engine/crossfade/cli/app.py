"""The program: every group's commands under one name, and the options that may stand before a command."""

import inspect
from typing import Annotated, Any

import typer

from crossfade import __version__
from crossfade.cli import (
    admin,
    approvals,
    audit,
    demo,
    export,
    fence,
    fleet,
    gate,
    guard,
    import_,
    lint,
    look,
    phases,
    plans,
    quarantine,
    steer,
    types,
    versions,
    worker,
)
from crossfade.cli.call import Common, common_options, earlier_options, register, take_options
from crossfade.errors import UsageError

HELP = """Ship breaking PostgreSQL schema changes while the old and the new version of an app keep running.

A plan is expanded, backfilled and contracted; each phase begins only when its gates pass.
"""
EPILOG = """Exit codes: 0 done; 1 error; 2 bad usage, an invalid plan, or one that preflight refuses; 3 a gate is
BLOCKED; 4 a gate is UNKNOWN or ERROR; 5 conflict; 6 a lock could not be had in time; 7 stopped with work left;
130 Ctrl-C."""
_SETTINGS: dict[str, Any] = {
    # Plain help: rich alone would take longer to load than the whole command line.
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 110},
}


def program() -> Any:
    """The command that typer makes of it all."""
    app = typer.Typer(name="crossfade", help=HELP, epilog=EPILOG, **_SETTINGS)
    version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")]
    _before_commands(
        app, inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=version)
    )
    for group in (
        plans,
        phases,
        steer,
        worker,
        look,
        gate,
        audit,
        fence,
        approvals,
        lint,
        import_,
        export,
        guard,
        types,
        admin,
        demo,
    ):
        for function in group.COMMANDS:
            register(app, function)
    of_versions = typer.Typer(help="Report and see what is live.", **_SETTINGS)
    _before_commands(of_versions)
    for function in versions.COMMANDS:
        register(of_versions, function)
    app.add_typer(of_versions, name="versions")
    of_quarantine = typer.Typer(help="Rows that a backfill set aside.", **_SETTINGS)
    _before_commands(of_quarantine)
    for function in quarantine.COMMANDS:
        register(of_quarantine, function)
    app.add_typer(of_quarantine, name="quarantine")
    of_fleet = typer.Typer(help="One plan over many databases.", **_SETTINGS)
    _before_commands(of_fleet)
    for function in fleet.COMMANDS:
        register(of_fleet, function)
    app.add_typer(of_fleet, name="fleet")
    return typer.main.get_command(app)


def _before_commands(app: typer.Typer, *more: inspect.Parameter) -> None:
    """Let the common options, and some more, stand in front of a command's name."""

    def before(ctx: typer.Context, **given: Any) -> None:
        for parameter in more:
            given.pop(parameter.name)
        ctx.obj = Common(**given).over(earlier_options(ctx))
        _help_alone(ctx)

    take_options(before, *common_options(), *more)
    app.callback(invoke_without_command=True)(before)


def _help_alone(ctx: typer.Context) -> None:
    """Without a command, its list."""
    if ctx.invoked_subcommand is not None:
        return
    if earlier_options(ctx).json:
        raise UsageError("no command was given", hint=f"See: {ctx.command_path} --help")
    typer.echo(ctx.get_help())
    raise typer.Exit(0)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"crossfade {__version__}")
        raise typer.Exit(0)
