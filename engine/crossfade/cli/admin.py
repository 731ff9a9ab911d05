"""Commands about the database itself: init, doctor."""

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from crossfade.cli.call import Call
from crossfade.cli.output import print_json, table


def init(
    call: Call,
    app_role: Annotated[
        str | None,
        typer.Option("--app-role", metavar="ROLE", help="The role of the apps, where no roles may be created."),
    ] = None,
) -> int:
    """Create the ledger, schema crossfade, or upgrade it."""
    with call.engine() as engine:
        done = engine.init(app_role)
    if call.json:
        print_json({"done": list(done)})
    else:
        sys.stdout.writelines(f"{line}\n" for line in done)
    return 0


def doctor(
    call: Call,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Look too for objects of ours that no run accounts for.")
    ] = False,
) -> int:
    """Say whether crossfade can work on this database.

    Exit code 1 if it cannot, or if there are orphans.
    """
    with call.engine() as engine:
        findings = engine.doctor()
        left = engine.orphans() if orphans else ()
    failed = bool(left) or any(f.level == "error" for f in findings)
    if call.json:
        document: dict[str, Any] = {"findings": [asdict(f) for f in findings]}
        print_json(document | ({"orphans": list(left)} if orphans else {}))
        return int(failed)
    rows = [(f.level, f.check, f.message) for f in findings]
    call.answer(None, lambda: table(("LEVEL", "CHECK", "FOUND"), rows))
    sys.stdout.writelines(f"hint: {f.check}: {f.hint}\n" for f in findings if f.hint and f.level != "ok")
    if orphans:
        sys.stdout.writelines(f"orphan: {name}\n" for name in left)
        sys.stdout.write("" if left else "No orphans.\n")
    return int(failed)


COMMANDS = (init, doctor)
