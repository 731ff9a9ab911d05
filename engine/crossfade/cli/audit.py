"""The command audit: everything that a reviewer asks of a run, as one document."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from crossfade.cli.call import Call
from crossfade.cli.options import Run
from crossfade.cli.output import print_json
from crossfade.cli.targets import run_name
from crossfade.errors import UsageError


class AuditFormat(StrEnum):
    """The forms of the document."""

    MARKDOWN = "markdown"
    JSON = "json"


def audit(
    call: Call,
    run: Run,
    format_: Annotated[
        AuditFormat | None, typer.Option("--format", help="markdown, or json as --json.", show_default="markdown")
    ] = None,
) -> int:
    """Print everything that a reviewer asks of a run: the plan, its SQL, who, when, verdicts, approvals, overrides.

    Nothing is written, so a role that may only read the ledger is enough.
    """
    if call.json and format_ is AuditFormat.MARKDOWN:
        raise UsageError("--json and --format markdown are two forms of the answer", hint="Leave one of them out.")
    name = run_name(run)
    with call.engine() as engine:
        found = engine.audit(name)
    if call.json or format_ is AuditFormat.JSON:
        print_json(found.as_json())
        return 0
    from crossfade.cli.audit_page import page

    sys.stdout.write(page(found))
    sys.stdout.flush()
    return 0


COMMANDS = (audit,)
