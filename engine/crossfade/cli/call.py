"""One call of a command: the common options, resolved, and the ways to the engine and to the output.

`register` gives a command the common options behind its own, so that a function asks only for what is its own and gets
a `Call` first. A command returns its exit code.
"""

from __future__ import annotations

import inspect
import os
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from crossfade.cli import options
from crossfade.cli.boundary import interrupted
from crossfade.cli.output import console, print_json, print_page, say
from crossfade.cli.settings import load_env_file, project_settings
from crossfade.errors import CrossfadeError, UsageError
from crossfade.lint.settings import LintSettings
from crossfade.observe.logging import LogFormat, LogLevel, configure_logging
from crossfade.plan.fixed import NOTHING_FIXED, Fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.console import RenderableType

    from crossfade.observe.events import Emit, Event
    from crossfade.observe.lookout import Lookout
    from crossfade.observe.metrics import MetricsAddress
    from crossfade.observe.progress import Progress
    from crossfade.plan.notify import Target
    from crossfade.workflow.engine import Engine
    from crossfade.workflow.progress import ProgressReader

_OF_THE_ENVIRONMENT = ("CROSSFADE_DATABASE_URL", "DATABASE_URL")
_OF_LIBPQ = ("PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The common options as they were given, before the command or after it."""

    database: str | None = None
    env_file: Path | None = None
    json: bool = False
    log_format: LogFormat | None = None
    log_level: LogLevel | None = None
    yes: bool = False

    def over(self, earlier: Common) -> Common:
        """These, and where something was not given, the earlier ones."""
        return Common(
            database=self.database if self.database is not None else earlier.database,
            env_file=self.env_file or earlier.env_file,
            json=self.json or earlier.json,
            log_format=self.log_format or earlier.log_format,
            log_level=self.log_level or earlier.log_level,
            yes=self.yes or earlier.yes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command's surroundings."""

    database: str | None
    """What was given by an option or by the project's settings; None leaves it to the environment."""
    json: bool
    log_format: LogFormat | None
    yes: bool
    notify: tuple[Target, ...] = ()
    """Who is told of runs that the command drives, by the project's settings."""
    given_database: str | None = None
    """What the option alone says, for a command that needs no database."""
    lint: LintSettings = field(default_factory=LintSettings)
    """The project's settings of lint."""
    fixed: Fixed = NOTHING_FIXED
    """What nothing of the project may change, by its settings."""
    apps: Mapping[str, Any] = field(default_factory=dict)
    """The roster of imported plans, by the project's settings."""

    @property
    def names_a_database(self) -> bool:
        """Whether anything says which database is meant."""
        return self.database is not None or any(os.environ.get(v) for v in (*_OF_THE_ENVIRONMENT, *_OF_LIBPQ))

    @property
    def can_ask(self) -> bool:
        """Whether there is a person at a terminal."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def answer(self, document: Any, page: Callable[[], RenderableType]) -> None:
        """Print the answer: the document with `--json`, else the page, which is made only then."""
        if self.json:
            print_json(document)
        else:
            print_page(page())

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """The engine, for a command that only looks or records."""
        from crossfade.workflow.engine import Engine

        with only_our_errors(), Engine(self.database, fixed=self.fixed) as engine:
            yield engine

    @contextmanager
    def working_engine(self, metrics: MetricsAddress | None = None) -> Iterator[tuple[Engine, Progress]]:
        """The engine, for a command that takes its time: with progress, and stopped in good order by a signal.

        With an address its figures can be had there by Prometheus meanwhile.
        """
        from crossfade.cli.interrupts import stopping
        from crossfade.observe.lookout import Lookout
        from crossfade.workflow.engine import Engine

        with (
            only_our_errors(),
            closing(self._reader()) as reader,
            Lookout(reader) as lookout,
            self.progress(lookout) as progress,
            self._served(lookout, metrics) as count,
            Engine(
                self.database,
                emit=_to_all(lookout.emit, count, progress.emit),
                notify=self.notify,
                fixed=self.fixed,
            ) as engine,
            stopping(engine),
        ):
            yield engine, progress

    @contextmanager
    def _served(self, lookout: Lookout, address: MetricsAddress | None) -> Iterator[Emit]:
        """Serve metrics meanwhile, where an address is given; gives what takes in events for them."""
        if address is None:
            yield _to_all()
            return
        from crossfade.observe.metrics import Metrics

        with Metrics(lookout, address) as metrics:
            if self.log_format is LogFormat.JSON:
                import structlog

                structlog.get_logger("crossfade").info("metrics_served", url=metrics.url)
            else:
                say(f"metrics are at {metrics.url}")
            yield metrics.emit

    def _reader(self) -> ProgressReader:
        from crossfade.postgres.connect import connect, database_url
        from crossfade.workflow.progress import ProgressReader

        url = database_url(self.database)
        return ProgressReader(lambda: connect(url))

    def progress(self, lookout: Lookout) -> Progress:
        """A live display on a terminal, log lines elsewhere or when a format was asked for."""
        from crossfade.observe.progress import LiveProgress, LoggedProgress

        if self.log_format is None:
            where = console(sys.stderr)
            if where.is_terminal and not where.is_dumb_terminal:
                return LiveProgress(where, lookout)
        return LoggedProgress(lookout)


def _to_all(*listeners: Emit) -> Emit:
    """A listener that passes every event on to these."""

    def emit(event: Event) -> None:
        for listener in listeners:
            listener(event)

    return emit


def common_options() -> list[inspect.Parameter]:
    """The parameters that typer reads the common options from."""
    wanted: tuple[tuple[str, Any, Any], ...] = (
        ("database", options.Database, None),
        ("env_file", options.EnvFile, None),
        ("json", options.Json, False),
        ("log_format", options.Format, None),
        ("log_level", options.Level, None),
        ("yes", options.Yes, False),
    )
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, annotation, default in wanted
    ]


def register(app: typer.Typer, function: Callable[..., int], name: str | None = None) -> None:
    """Make a command of a function `(call, …) -> exit code`."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    common = common_options()

    def command(ctx: typer.Context, **given: Any) -> int:
        options_here = Common(**{p.name: given.pop(p.name) for p in common})
        try:
            return function(_resolved(options_here.over(earlier_options(ctx))), **given)
        except KeyboardInterrupt:
            raise interrupted() from None

    take_options(command, *own, *common)
    command.__doc__ = function.__doc__
    app.command(name or command_name(function))(command)


def command_name(function: Callable[..., int]) -> str:
    """What the command of a function is called."""
    return function.__name__.strip("_").replace("_", "-")


def take_options(function: Callable[..., Any], *parameters: inspect.Parameter) -> None:
    """Let typer see a function `(ctx, **given)` as one that has these parameters."""
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    taken = [context, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters)]
    function.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]  # inspect reads it
    function.__annotations__ = {p.name: p.annotation for p in taken}


def earlier_options(ctx: typer.Context) -> Common:
    """The common options that stand in front of the command."""
    return ctx.obj if isinstance(ctx.obj, Common) else Common()


def _resolved(common: Common) -> Call:
    if common.env_file is not None:
        load_env_file(common.env_file, os.environ)
    settings = project_settings(_here())
    log_format = common.log_format or settings.log_format
    configure_logging(log_format or LogFormat.CONSOLE, common.log_level or LogLevel.INFO)
    from_environment = any(os.environ.get(v) for v in _OF_THE_ENVIRONMENT)
    if common.database is not None and not common.database.strip():
        raise UsageError("--database is empty", hint="Give a URL, or leave the option out.")
    return Call(
        database=common.database or (None if from_environment else settings.database),
        json=common.json,
        log_format=log_format,
        yes=common.yes,
        notify=settings.notify,
        given_database=common.database,
        lint=settings.lint,
        fixed=settings.fixed,
        apps=settings.apps,
    )


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError:
        return Path("/")  # the working directory is gone; so are its settings


_WHOSE_RIGHTS = (
    "What drives a run, or writes down what gates said (gate, approve, contract, …), needs the rights of the role that "
    "ran crossfade init; crossfade_reader may look (status, history, audit, versions list, can-i-run), and "
    "crossfade_app may report (versions heartbeat)."
)


@contextmanager
def only_our_errors() -> Iterator[None]:
    """What the driver raises past the engine becomes one of the family."""
    import psycopg

    from crossfade.errors import DatabaseRefused, DatabaseUnreachable

    try:
        yield
    except CrossfadeError:
        raise
    except psycopg.Error as error:
        said = str(error).strip() or type(error).__name__
        if isinstance(error, psycopg.OperationalError) and error.sqlstate is None:
            raise DatabaseUnreachable(
                f"the connection to the database was lost: {said}",
                hint="What was committed stays. Run the same command again to go on.",
            ) from error
        hint = _WHOSE_RIGHTS if isinstance(error, psycopg.errors.InsufficientPrivilege) else None
        raise DatabaseRefused(
            f"PostgreSQL says: {said} (SQLSTATE {error.sqlstate})", sqlstate=error.sqlstate, hint=hint
        ) from error
