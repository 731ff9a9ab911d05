"""The command that records what a person decided: approve."""

import sys
from typing import Annotated

import typer

from crossfade.cli.call import Call
from crossfade.cli.gate_page import verdict_lines
from crossfade.cli.options import PhaseName, Run
from crossfade.cli.output import print_json
from crossfade.cli.targets import run_name


def approve(
    call: Call,
    run: Run,
    phase: Annotated[PhaseName, typer.Option("--phase", help="The phase that is approved.", show_default=False)],
    approver: Annotated[str, typer.Option("--as", metavar="NAME", help="Who approves.", show_default=False)],
    role: Annotated[str | None, typer.Option("--role", help="As what: the role that the plan's gate asks for.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why.")] = None,
) -> int:
    """Record that a person approves a phase.

    The approval holds for the plan as it was started.
    """
    name = run_name(run)
    from crossfade.operations.step import Phase

    with call.engine() as engine:
        verdict = engine.approve(name, Phase(phase), approver, role=role, reason=reason)
    document = verdict.as_json()
    if call.json:
        print_json(document)
        return 0
    sys.stdout.write(f"{approver} approves {phase.value} of {name}\n")
    sys.stdout.writelines(f"{line}\n" for line in verdict_lines(document))
    return 0


COMMANDS = (approve,)
