"""Acknowledgements: a person has taken note of what a gate showed, with `crossfade approve --role ROLE`.

The ledger remembers of each thing since when every recorded look has found it (crossfade.shown). A person's word covers
what was there before it was given; what comes later, or comes back, has to be taken note of anew. Only an approval
in this very role counts: one that was given without a role approves the phase, and takes note of nothing. Whoever
started the run may take note, as with `--ack`; else the rules are those of approvals.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crossfade.gates import approval
from crossfade.gates.queries import query
from crossfade.gates.verdict import Verdict
from crossfade.plan.gates import Approval

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One thing that a person has to take note of."""

    name: str
    since: datetime | None = None
    """Since when looks have found it without a break; None where none was recorded yet."""
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """For the evidence."""
        return {
            "name": self.name,
            "since": self.since and self.since.isoformat(),
            "acknowledged_by": self.acknowledged_by,
            "acknowledged_at": self.acknowledged_at and self.acknowledged_at.isoformat(),
        }


def look_up(
    connection: psycopg.Connection[Any], subject: Subject, look: Look, *, gate: str, role: str, names: Iterable[str]
) -> tuple[Shown, ...]:
    """Each of the names that are there now, with who has taken note of it. A recorded look remembers them.

    `gate` is the kind that shows them; names of other kinds are none of its business. Raises psycopg.Error.
    """
    there = tuple(dict.fromkeys(names))
    since = _since(connection, subject, look, gate, there)
    if not there:
        return ()
    wanted = Approval(role=role, four_eyes=False)
    said = approval.observe(connection, subject, wanted, look)
    counting = tuple(given for given in said.approvals if given.role == role and _counts(given, said, wanted))
    return tuple(_shown(name, since.get(name), counting) for name in there)


def _since(
    connection: psycopg.Connection[Any], subject: Subject, look: Look, gate: str, names: tuple[str, ...]
) -> Mapping[str, datetime]:
    parameters = {"run_id": subject.run_id, "phase": look.phase.value, "gate": gate, "names": list(names)}
    if look.record:
        connection.execute(query("forget_shown"), parameters)
        connection.execute(query("remember_shown"), parameters)
    return dict(connection.execute(query("read_shown"), parameters).fetchall())


def _counts(given: approval.Given, said: approval.Observation, wanted: Approval) -> bool:
    """Whether it counts by the rules of approvals: not void, not withdrawn, not expired."""
    return approval.judge(replace(said, approvals=(given,)), wanted).verdict is Verdict.PASS


def _shown(name: str, since: datetime | None, approvals: Iterable[approval.Given]) -> Shown:
    word = next((a for a in approvals if since is not None and a.at >= since), None)
    if word is None:
        return Shown(name=name, since=since)
    return Shown(name=name, since=since, acknowledged_by=word.approver, acknowledged_at=word.at)


def how_to(run: str, phase: str, role: str) -> str:
    """The command that acknowledges."""
    return f"crossfade approve {run} --phase {phase} --as YOU --role {shlex.quote(role)}"
