"""The arguments and options of `crossfade lint`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from crossfade.lint.settings import FailOn


class LintFormat(StrEnum):
    """The forms of the answer."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    JUNIT = "junit"


Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="Files and folders of migrations; - is standard input.", show_default=False),
]
GitDiff = Annotated[
    str | None,
    typer.Option(
        "--git-diff", metavar="REF", help="Tell only of files that differ from this commit.", show_default=False
    ),
]
Format = Annotated[
    LintFormat | None,
    typer.Option("--format", help="text, json as --json, or a form for a pipeline.", show_default="text"),
]
Output = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Write the answer there.", show_default=False)
]
Fail = Annotated[
    FailOn | None, typer.Option("--fail-on", help="The least that gives exit code 1.", show_default="error")
]
PgVersion = Annotated[
    str | None,
    typer.Option(
        "--pg-version",
        metavar="VERSION",
        help="The server's version, such as 16 or 14.2; that of --database, else 14.",
        show_default=False,
    ),
]
History = Annotated[
    str | None,
    typer.Option(
        "--history",
        metavar="TABLE",
        help="The table of the tool's history in --database, where it is not the one that it makes by itself.",
        show_default=False,
    ),
]
BaselineFile = Annotated[
    Path | None,
    typer.Option(
        "--baseline", metavar="FILE", help="Do not tell of findings that stand in this file.", show_default=False
    ),
]
WriteBaseline = Annotated[bool, typer.Option("--write-baseline", help="Write all findings into the baseline.")]
Explain = Annotated[
    str | None,
    typer.Option("--explain", metavar="RULE", help="Say what a rule means, and look at nothing.", show_default=False),
]
List = Annotated[bool, typer.Option("--list", help="List all rules, and look at nothing.")]
