"""The program: every group's commands under one name, and the options that may stand before a command."""

import inspect
from collections.abc import Callable, Sequence
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
from crossfade.cli.call import Common, command_name, common_options, earlier_options, register, take_options
from crossfade.errors import UsageError

HELP = """Ship breaking PostgreSQL schema changes while the old and the new version of an app keep running.

A plan is expanded, backfilled and contracted; each phase begins only when its gates pass.
"""
EPILOG = """Exit codes: 0 done; 1 error; 2 bad usage, an invalid plan, or one that preflight refuses; 3 a gate is
BLOCKED; 4 a gate is UNKNOWN or ERROR; 5 conflict; 6 a lock could not be had in time; 7 stopped with work left;
130 Ctrl-C."""
_HELP = frozenset({"-h", "--help"})
_SETTINGS: dict[str, Any] = {
    # Plain help: rich alone would take longer to load than the whole command line.
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 110},
}


_COMMANDS = {
    command_name(function): function
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
    )
    for function in group.COMMANDS
}
_GROUPS: dict[str, tuple[Sequence[Callable[..., int]], str]] = {
    "versions": (versions.COMMANDS, "Report and see what is live."),
    "quarantine": (quarantine.COMMANDS, "Rows that a backfill set aside."),
    "fleet": (fleet.COMMANDS, "One plan over many databases."),
}


def program(arguments: Sequence[str] = ()) -> Any:
    """The command that typer makes of it all; where the arguments name some of its commands, of those alone."""
    # To make all of them takes as long as to start Python.
    named = (_COMMANDS.keys() | _GROUPS).intersection(arguments) if _HELP.isdisjoint(arguments) else ()
    app = typer.Typer(name="crossfade", help=HELP, epilog=EPILOG, **_SETTINGS)
    version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")]
    _before_commands(
        app, inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=version)
    )
    for name, function in _COMMANDS.items():
        if name in named or not named:
            register(app, function)
    for name, (commands, words) in _GROUPS.items():
        if name in named or not named:
            group = typer.Typer(help=words, **_SETTINGS)
            _before_commands(group)
            for function in commands:
                register(group, function)
            app.add_typer(group, name=name)
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
