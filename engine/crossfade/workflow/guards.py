"""Before a run turns back: what would be destroyed that exists nowhere else, and what cannot be taken back.

It is looked at before the run turns round, so that a refusal leaves everything as it is; what would be destroyed also
right before the step is taken back, which may be hours later. Neither look holds a lock that anybody waits for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from crossfade.errors import Irreversible, WouldDiscard
from crossfade.operations.step import Guard, Part, Step
from crossfade.workflow import ledger
from crossfade.workflow.session import Session
from crossfade.workflow.states import State
from crossfade.workflow.way_back import IN_WORDS, in_the_way

Connection = psycopg.Connection[Any]


def look_before_turning(session: Session, through: State) -> None:
    """Look at what would be taken back in the state that leads back.

    Raises Irreversible where the plan says of a step that it cannot be, and WouldDiscard where a rollback would destroy
    something, unless that is wanted.
    """
    states = ledger.step_states(session.work, session.run_id)
    stays = in_the_way(session.program, states, through)
    if stays is not None:
        raise Irreversible(session.name, IN_WORDS[through], stays.title, stays.irreversible or "", location=stays.id)
    if through is State.ROLLING_BACK:
        refuse_to_discard(session, (s for s in session.program.steps if states.get(s.id) == "done"))


def refuse_to_discard(session: Session, steps: Iterable[Step]) -> None:
    """Raises WouldDiscard where the undo of one of these steps would destroy something, unless that is wanted."""
    steps = tuple(steps)
    guards = tuple(guard for step in steps for guard in step.guards)
    if session.discards or not guards:
        return
    with session.connect() as connection:
        # A default of the plan may be compared with: names in it mean what they mean to the users.
        connection.execute("RESET search_path")
        # It may read a whole table; row security must not hide from it what would go.
        connection.execute("SELECT pg_catalog.set_config('statement_timeout', '0', false)")
        connection.execute("SELECT pg_catalog.set_config('row_security', 'off', false)")
        found = tuple(guard.what for guard in guards if _has_something(connection, guard))
    if found:
        raise WouldDiscard(session.name, found, reverts=any(step.part is Part.HIDE for step in steps))


def _has_something(connection: Connection, guard: Guard) -> bool:
    there = connection.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", [guard.relation]).fetchone()
    if there is None or not there[0]:
        return False
    row = connection.execute(guard.query.encode()).fetchone()
    return bool(row and row[0])
