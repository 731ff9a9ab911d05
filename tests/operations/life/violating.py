"""A write that a coming constraint would refuse: let in, noted, and what contract waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade import Engine
from crossfade.gates.verdict import Verdict
from crossfade.operations.step import Phase

from .case import RUN

if TYPE_CHECKING:
    from ...fixtures.database import Database


def write_and_look(database: Database, write: str, constraint: str, example: str) -> None:
    """Send the write, whose row stays, and see that the gate names it."""
    with database.connect(application_name="nightly-import", autocommit=True) as app:
        app.execute(write.encode())
    with Engine(database.url) as engine:
        (gate,) = (g for g in engine.gates(RUN, Phase.CONTRACT).gates if g.kind == "violating_writes")
    (writer,) = (w for w in gate.evidence["writers"] if w["application_name"] == "nightly-import")
    assert writer["constraint"] == constraint
    assert example in writer["examples"]
    assert gate.verdict is Verdict.BLOCKED
    assert constraint in [r["constraint"] for r in gate.evidence["rows"] if r["violating"]]
