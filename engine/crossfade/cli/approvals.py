"""The commands that record what a person decided: approve, override."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer

from crossfade.cli.call import Call
from crossfade.cli.gate_page import verdict_lines
from crossfade.cli.options import PhaseName, Run
from crossfade.cli.output import print_json
from crossfade.cli.targets import duration, run_name


def approve(
    call: Call,
    run: Run,
    phase: Annotated[PhaseName, typer.Option("--phase", help="The phase that is approved.", show_default=False)],
    approver: Annotated[str, typer.Option("--as", metavar="NAME", help="Who approves.", show_default=False)],
    role: Annotated[str | None, typer.Option("--role", help="As what: the role that the plan's gate asks for.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why.")] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take back what this person approved, in the role if one is given.")
    ] = False,
) -> int:
    """Record that a person approves a phase, or takes that back.

    The approval holds for this plan, what it compiles to and this database, and for as long as the plan's gate says.
    """
    name = run_name(run)
    from crossfade.operations.step import Phase

    with call.engine() as engine:
        say = engine.withdraw_approval if withdraw else engine.approve
        verdict = say(name, Phase(phase), approver, role=role, reason=reason)
    document = verdict.as_json()
    if call.json:
        print_json(document)
        return 0
    said = "takes back the approval of" if withdraw else "approves"
    sys.stdout.write(f"{approver} {said} {phase.value} of {name}\n")
    if not withdraw:
        sys.stdout.writelines(f"{line}\n" for line in _what_it_does(document, role))
    sys.stdout.writelines(f"{line}\n" for line in verdict_lines(document))
    return 0


def _what_it_does(document: Mapping[str, Any], role: str | None) -> Iterator[str]:
    """Whether the approval that was just given counts, for each gate that asks for one, or for such a role's word."""
    every = list(_with_parts(document["gates"]))
    latest = [gate["evidence"]["approvals"][0] for gate in every if gate["evidence"].get("approvals")]
    noted = [gate["kind"] for gate in every if role and gate["evidence"].get("acknowledged_as") == role]
    for given in latest:
        yield "it counts now" if given["counts"] else f"it does not count: {given['words']}"
    if noted:
        yield f"it takes note of what {' and '.join(noted)} had shown before"
    if not latest and not noted:
        yield f"it is kept; no gate of {document['phase']} asks for an approval"


def _with_parts(gates: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for gate in gates:
        yield gate
        yield from _with_parts(gate.get("gates", ()))


def override(
    call: Call,
    run: Run,
    gate: Annotated[
        str, typer.Option("--gate", metavar="KIND", help="The kind of gate that need not pass.", show_default=False)
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept for good.", show_default=False)],
    actor: Annotated[str, typer.Option("--as", metavar="NAME", help="Who says so.", show_default=False)],
    lasts: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="For how long: 30m, 2h; up to 7d.", show_default=False)
    ],
    phase: Annotated[PhaseName | None, typer.Option("--phase", help="Whose gate; else the next phase's.")] = None,
) -> int:
    """Let a phase begin although a gate does not pass: break-glass.

    It is kept in the history, and goes past no guard of the engine's own: dependents, parity, a trigger that is
    missing.
    """
    name, span = run_name(run), duration(lasts, "--for")
    assert span is not None
    from crossfade.operations.step import Phase

    asked = None if phase is None else Phase(phase)
    with call.engine() as engine:
        verdict = engine.override(name, gate, actor=actor, reason=reason, lasts=span, phase=asked)
    document = verdict.as_json()
    if call.json:
        print_json(document)
        return 0
    sys.stdout.write(f"{actor} overrides {gate} before {verdict.phase} of {name} for {lasts}\n")
    meant = [g for g in verdict.gates if g.kind == gate]
    if any(g.holds_back and g.is_guard for g in meant):
        sys.stdout.write(f"{gate} holds it back all the same: what keeps it from passing are the engine's own guards\n")
    sys.stdout.writelines(f"{line}\n" for line in verdict_lines(document))
    return 0


COMMANDS = (approve, override)
