"""The options and arguments that more than one command has, so that they read the same everywhere."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crossfade.observe.logging import LogFormat, LogLevel
from crossfade.operations.acks import ACKS


class PhaseName(StrEnum):
    """The phases, as an option says them; those of the steps, whose module is too heavy for starting up."""

    EXPAND = "expand"
    BACKFILL = "backfill"
    CONTRACT = "contract"


Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The database; else CROSSFADE_DATABASE_URL, DATABASE_URL, the project's setting, or PG*.",
        show_default=False,
    ),
]
EnvFile = Annotated[
    Path | None,
    typer.Option(
        "--env-file", metavar="FILE", help="Read variables that are unset or empty from this file.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document; logs go to standard error.")]
Format = Annotated[
    LogFormat | None,
    typer.Option("--log-format", help="Log lines instead of a live display.", show_default=False),
]
Level = Annotated[LogLevel | None, typer.Option("--log-level", help="The least that is logged.", show_default="info")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask no questions; a script has to give --confirm all the same.")]

PlanFile = Annotated[str, typer.Argument(metavar="PLAN", help="A plan file.", show_default=False)]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's name, or its plan file.", show_default=False)]
Target = Annotated[
    str,
    typer.Argument(
        metavar="RUN|PLAN", help="A run's name, or a plan file: its run is started if needed.", show_default=False
    ),
]
Acks = Annotated[
    list[str] | None,
    typer.Option(
        "--ack",
        metavar="WORD",
        help=f"Accept what preflight names by this word: {', '.join(sorted(ACKS))}; repeatable.",
        show_default=False,
    ),
]
Wait = Annotated[
    str | None,
    typer.Option(
        "--wait",
        metavar="DURATION",
        help="Wait this long, for gates and for `retain`: 90s, 30m, 2h.",
        show_default=False,
    ),
]
MetricsPort = Annotated[
    str | None,
    typer.Option(
        "--metrics-port",
        metavar="[HOST:]PORT",
        help="Serve metrics for Prometheus there meanwhile; 0 takes a free port, and the host is 127.0.0.1.",
        show_default=False,
    ),
]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm", metavar="RUN", help="The run's name, in place of typing it when asked.", show_default=False
    ),
]
