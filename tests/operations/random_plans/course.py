"""A random way of a random plan through its states, with deaths of the runner and writes of both versions in between.

At the end the invariant of every operation holds: contracted is what plain DDL leaves, rolled back is what was before,
and every fact is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from psycopg import sql

from crossfade.errors import PreflightRefused
from crossfade.operations.acks import ACKS
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import BEFORE_BACKFILLED, State

from ...fixtures.database import fresh_database
from ..life.canonical import canonical
from ..life.leftovers import assert_nothing_left
from .facts import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ...fixtures.database import Database
    from .changes import RandomPlan
    from .tables import Table

RUN = "random"
WAYS = (
    ("expand", "rollback"),
    ("expand", "backfill", "rollback"),
    ("expand", "backfill", "contract", "drop"),
    ("expand", "backfill", "contract", "drop"),
    ("expand", "backfill", "contract", "revert", "contract", "drop"),
    ("expand", "backfill", "contract", "revert", "rollback"),
)
FAR = 40
"""More events than a command has."""


class Died(BaseException):
    """The runner dies: nothing of ours catches this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The commands, each with the events at which its runners die, one after the other; and how many writes between."""

    commands: tuple[tuple[str, tuple[int, ...]], ...]
    writes: int
    seed: int


@st.composite
def ways(draw: st.DrawFn) -> Way:
    """A way to `contracted` or to `rolled_back`."""
    deaths = st.lists(st.integers(1, FAR // 2), max_size=2).map(tuple)
    return Way(
        commands=tuple((command, draw(deaths)) for command in draw(st.sampled_from(WAYS))),
        writes=draw(st.integers(2, 8)),
        seed=draw(st.integers(0, 9999)),
    )


def plan_of(random_plan: RandomPlan) -> Plan:
    """As a file would have it; JSON is YAML."""
    head: dict[str, Any] = {"crossfade": 1, "name": RUN, "retain": "7d", "hold": "0s", "backfill": {"batch_rows": 7}}
    changes = [change.entry for change in random_plan.changes]
    return parse_plan(json.dumps(head | {"changes": changes}, ensure_ascii=False), "random.yaml")


@dataclass
class Course:
    """One plan on one database."""

    database: Database
    table: Table
    plan: RandomPlan
    way: Way
    deaths: int = 0
    events: list[str] = field(default_factory=list)

    def run(self) -> State | None:
        """All of it; gives the state in which it ended, or None for a plan that preflight refuses."""
        self.facts = Facts(self.table.shape, self.plan, Random(self.way.seed))
        self.database.execute(sql.SQL(self.table.setup))
        self.app = self.database.connect(autocommit=True)
        self.app.execute("SET statement_timeout = '20s'")
        self.facts.insert_first(self.app)
        self.before = self.database.dump()
        try:
            with Engine(self.database.url) as engine:
                engine.start(plan_of(self.plan), acks=ACKS)
                engine.approve(RUN, Phase.CONTRACT, "alice")
        except PreflightRefused as refused:
            self.refused = {refusal.code for refusal in refused.refusals}
            assert self.database.dump() == self.before
            return None
        for command, deaths in self.way.commands:
            self._command(command, deaths)
            self._look()
            if self.state is State.CONTRACTED:
                break
        self._assert_the_end_is_right()
        return self.state

    @property
    def state(self) -> State:
        """Of the run, as the ledger has it."""
        [(state,)] = self.database.execute("SELECT state FROM crossfade.runs WHERE name = %s", [RUN])
        return State(state)

    def _command(self, command: str, deaths: Iterable[int]) -> None:
        for death in deaths:
            if not self._dies_of(command, death):
                return
            self._writes()
        self._send(command, None)

    def _dies_of(self, command: str, death: int) -> bool:
        try:
            self._send(command, death)
        except Died:
            self.deaths += 1
            return True
        return False

    def _send(self, command: str, death: int | None) -> None:
        """A runner that dies at its event of that number, or never."""
        left = death

        def emit(event: Event) -> None:
            nonlocal left
            self.events.append(f"{command}: {event.kind}")
            if left is not None:
                left -= 1
                if left == 0:
                    raise Died

        with Engine(self.database.url, emit=emit) as engine:
            match command:
                case "expand" | "backfill":
                    engine.advance(RUN, to=State.EXPANDED if command == "expand" else State.BACKFILLED)
                case "contract" if self.state is not State.RETAINED:
                    engine.contract(RUN)
                case "drop":
                    self.database.execute(
                        "UPDATE crossfade.runs SET retain_until = now() WHERE retain_until IS NOT NULL"
                    )
                    engine.contract(RUN)
                case "rollback":
                    engine.rollback(RUN, discard=True)
                case "revert" if self.state is not State.BACKFILLED:
                    engine.revert(RUN)

    # Writes

    def _writes(self) -> None:
        """Some statements of the versions whose shape is served now."""
        for _ in range(self.way.writes):
            state = self.state
            served = self._served(state)
            if not served:
                return
            shape = served[self.facts.rows.__len__() % len(served)]
            self.facts.write(self.app, shape, early=state in BEFORE_BACKFILLED)

    def _served(self, state: State) -> list[Any]:
        old, new = self.table.shape, self.plan.shape
        if state in (State.EXPANDED, State.BACKFILLING, State.BACKFILLED):
            return [old, new]
        if state in (State.PLANNED, State.EXPANDING, State.ROLLED_BACK, State.ROLLING_BACK):
            return [old]
        return [new] if state in (State.RETAINED, State.DROPPING, State.CONTRACTED) else []

    def _look(self) -> None:
        """Both shapes, as far as they are served, say what the model says; then some writes, and again."""
        for _ in range(2):
            state = self.state
            for shape in self._served(state):
                if shape is self.table.shape or state not in BEFORE_BACKFILLED:
                    filled = state not in (*BEFORE_BACKFILLED, State.ROLLED_BACK)
                    self.facts.assert_read(self.app, shape, filled=filled)
            self._writes()

    def _assert_the_end_is_right(self) -> None:
        state = self.state
        with Engine(self.database.url) as engine:
            assert_nothing_left(self.database, engine)
        if state is State.ROLLED_BACK:
            assert _without_added_values(self.database.dump()) == self.before, "rolled back, and not as before"
            return
        assert state is State.CONTRACTED
        with fresh_database(self.database.server) as plain:
            plain.execute(sql.SQL(self.table.setup))
            with plain.connect(autocommit=True) as connection:
                self._first_rows(connection)
            plain.execute(sql.SQL(self.plan.plain))
            assert canonical(self.database.dump()) == canonical(plain.dump()), "not what plain DDL leaves"

    def _first_rows(self, connection: Any) -> None:
        Facts(self.table.shape, self.plan, Random(0)).insert_first(connection)


def _without_added_values(dump: str) -> str:
    """PostgreSQL takes no value away from an enum: a rollback leaves those that the plan has added."""
    return "".join(line for line in dump.splitlines(keepends=True) if not line.startswith("    'late "))
