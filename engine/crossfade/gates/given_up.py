"""Names that a run has taken away by its own steps of contract, so that their being gone keeps no gate from an answer.

Between two such steps, or after a runner died there, the gates are asked again. Nobody can use by its name what has
none; what somebody else has taken away is another matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.gates.queries import query

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Subject


def given_up(connection: psycopg.Connection[Any], subject: Subject) -> frozenset[tuple[str | None, str]]:
    """Schema, where the plan writes one, and name of each table and index; none before a step has hidden something.

    Raises psycopg.Error.
    """
    names = frozenset((n.schema, n.name) for change in subject.plan.changes for n in change.given_up)
    row = connection.execute(query("hidden_steps"), {"run_id": subject.run_id}).fetchone() if names else None
    return names if row is not None and row[0] else frozenset()
