"""What a case of the life test says: a table, a plan, what plain DDL would do, and what two versions of an app send.

HOW TO ADD ONE. Write `cases/KIND.py` with `CASES = (Case(...), ...)` and nothing else; the test finds it. A case has
about two hundred rows and

    setup       makes the tables and their rows; roles that it grants to stand in `roles`
    changes     the entries of the plan's `changes`, as YAML; further keys of the plan stand in `more`, which without
                its own `backfill` and `hold` gets small batches and gates that need not hold
    plain       what somebody would do who may stop every app: DDL and UPDATE; the schema after contract has to be the
                one that this leaves, the order of columns aside
    old_writes  what the old version sends, in this order, over and over, with `%(n)s` for the number of the round
    new_writes  the same for the new version
    reads       pairs of queries that give the same facts from the old and from the new shape

The rounds of the two writers have different numbers, all above 1000, so `INSERT … VALUES (%(n)s, …)` never clashes, and
a row that is inserted can be updated and deleted later in the same round. `%(n)s %% 200 + 1` picks a row of the setup.
Every INSERT, UPDATE and DELETE has to touch a row: one that touches none counts as lost. A percent sign of your own is
written twice.

The course of a case is in `course.py`: rolled back from `expanded`, rolled back from `backfilled`, contracted to
`retained`, reverted, contracted again and dropped, all in one database, with both writers at work. A kind that cannot
turn back from some state says so by `turns_back`; one whose new shape is not there before `backfilled`, by `new_from`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import TYPE_CHECKING

from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade import Engine
    from crossfade.plan.model import Plan
    from crossfade.workflow.results import Status

    from ...fixtures.database import Database

Check = Callable[["Database"], None] | tuple[str, list[tuple[object, ...]]]
"""A function that asserts something, or a query and the rows that it has to give."""

RUN = "the-change"
EVERY_TURN = frozenset({State.EXPANDED, State.BACKFILLED, State.RETAINED})


def roll_back(engine: Engine, run: str) -> Status:
    """As it is done where nothing has to be said besides."""
    return engine.rollback(run)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One table and one plan; see the module."""

    id: str
    setup: str
    changes: str
    plain: str
    more: str = ""
    acks: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Made before the setup: roles belong to the server, and outlive the first of the two databases."""
    oldest: int = 14
    """The first major version of PostgreSQL that can run it."""
    old_writes: tuple[str, ...] = ()
    new_writes: tuple[str, ...] = ()
    reads: tuple[tuple[str, str], ...] = ()
    """What the old shape says, what the new shape says; ordered queries."""
    untouched: tuple[str, ...] = ()
    """Queries of the new shape over rows that no writer touches: their facts are those of `plain`."""
    checks: Mapping[State, tuple[Check, ...]] = field(default_factory=dict)
    """What else has to hold whenever the run rests in a state."""
    new_from: State = State.EXPANDED
    """From when the new version's statements work: `expanded` or `backfilled`."""
    turns_back: frozenset[State] = EVERY_TURN
    """The states in which `rollback` or, for `retained`, `revert` is offered."""
    rolls_back: Callable[[Engine, str], Status] = roll_back
    """How it is rolled back, where that takes a word more than usual."""

    @property
    def plan(self) -> Plan:
        """The plan, whose old data is retained until the test has seen enough."""
        usual = {"backfill": "{batch_rows: 50}", "hold": "0s"}
        head = "".join(f"{key}: {value}\n" for key, value in usual.items() if f"{key}:" not in self.more)
        head = f"crossfade: 1\nname: {RUN}\nretain: 7d\n{head}"
        return parse_plan(f"{head}changes:\n{_indented(self.changes)}{_flush(self.more)}", f"{self.id}.yaml")


def _indented(entries: str) -> str:
    return "".join(f"  {line}\n" for line in _flush(entries).splitlines())


def _flush(text: str) -> str:
    """Without the indentation that a text has in Python."""
    return dedent(text.strip("\n")).rstrip() + "\n" if text.strip() else ""
