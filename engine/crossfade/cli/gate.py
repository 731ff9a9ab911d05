"""The command gate: the gates of a phase as they are now, or until they pass, in the form that is asked for."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from crossfade.cli.call import Call
from crossfade.cli.gate_page import EXIT_CODES, UNPROVEN, evidence
from crossfade.cli.options import PhaseName, Run, Wait
from crossfade.cli.output import console, print_json, print_page, warn
from crossfade.cli.targets import duration, run_name
from crossfade.errors import CrossfadeError, UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from crossfade.gates.verdict import PhaseVerdict
    from crossfade.operations.step import Phase
    from crossfade.workflow.engine import Engine


class GateFormat(StrEnum):
    """The forms in which verdicts are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def gate(
    call: Call,
    run: Run,
    phase: Annotated[PhaseName | None, typer.Option("--phase", help="Whose gates; else the next phase's.")] = None,
    wait: Wait = None,
    format_: Annotated[
        GateFormat | None,
        typer.Option(
            "--format", help="text, json as --json, or github: workflow commands and a summary.", show_default="text"
        ),
    ] = None,
) -> int:
    """Evaluate the gates of a phase now, with the evidence.

    Exit code 0 for PASS, 3 for BLOCKED, 4 for UNKNOWN and ERROR, 5 where no gate is ahead.
    """
    form, name, patience = _form(call, format_), run_name(run), duration(wait, "--wait")
    from crossfade.operations.step import Phase

    asked = None if phase is None else Phase(phase)
    try:
        verdict = _asked(call, name, asked) if patience is None else _waited(call, name, asked, patience)
    except CrossfadeError as error:
        if form is GateFormat.GITHUB:
            _print_github_error(error)
        raise
    document = verdict.as_json()
    match form:
        case GateFormat.TEXT:
            print_page(evidence(document))
        case GateFormat.JSON:
            print_json(document)
        case GateFormat.GITHUB:
            _print_github(name, document)
    return EXIT_CODES.get(document["verdict"], UNPROVEN)


def _form(call: Call, wanted: GateFormat | None) -> GateFormat:
    if call.json and wanted not in (None, GateFormat.JSON):
        raise UsageError(f"--json and --format {wanted} are two forms of the answer", hint="Leave one of them out.")
    return GateFormat.JSON if call.json else wanted or GateFormat.TEXT


def _asked(call: Call, name: str, phase: "Phase | None") -> "PhaseVerdict":
    with call.engine() as engine:
        return engine.gates(name, phase)


def _waited(call: Call, name: str, phase: "Phase | None", patience: "timedelta") -> "PhaseVerdict":
    """Wait for them, and show meanwhile who blocks; a log line now and then where there is no terminal."""
    watching = _watching(call, name, patience)
    with watching as (engine, seen):
        return engine.gates(name, phase, wait=patience, seen=seen)


def _watching(
    call: Call, name: str, patience: "timedelta"
) -> "AbstractContextManager[tuple[Engine, Callable[[PhaseVerdict], None]]]":
    from crossfade.cli.gate_live import live_gates, logged_gates

    where = console(sys.stderr)
    if call.log_format is None and where.is_terminal and not where.is_dumb_terminal:
        return live_gates(call, where, name, patience)
    return logged_gates(call)


def _print_github(name: str, document: dict[str, object]) -> None:
    from crossfade.cli import gate_github

    sys.stdout.writelines(f"{line}\n" for line in gate_github.commands(name, document))
    sys.stdout.flush()
    texts = {
        "GITHUB_STEP_SUMMARY": gate_github.summary(name, document),
        "GITHUB_OUTPUT": f"verdict={document['verdict']}\nphase={document['phase']}\n",
    }
    for variable, text in texts.items():
        file = os.environ.get(variable)
        try:
            if file:
                gate_github.append(file, text)
        except OSError as error:
            # The verdict stands, and so does the exit code.
            warn(f"nothing could be added to the file of {variable}: {error.strerror or error}")


def _print_github_error(error: CrossfadeError) -> None:
    from crossfade.cli import gate_github
    from crossfade.cli.boundary import as_text

    sys.stdout.write(f"{gate_github.failure(as_text(error), error.exit_code)}\n")
    sys.stdout.flush()


COMMANDS = (gate,)
