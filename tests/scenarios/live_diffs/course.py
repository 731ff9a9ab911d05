"""One plan from its start to contracted and dropped, while two versions of an app write.

The old one stops when everything but contract is done, since contract is allowed once it is gone; where a plan has
nothing to do in contract, it goes on to the end. The new one begins when expand is done. Until contract it sends what
either shape takes under a name that both have, and gives a value to what has to have one; afterwards all that its shape
has room for. Writes are prepared, but where a parameter of before could not be assigned to the column of afterwards.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from crossfade import Engine
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ...operations.life.leftovers import assert_nothing_left
from .meaning import AS_IT_IS, Converter, meaning
from .rows import rows_there
from .sender import Sender
from .shape import keeps_parameters, shape_in_between, shape_of_early, shape_of_old
from .writer import LiveWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...fixtures.database import Database
    from .imports import Stage
    from .rows import Rows
    from .shape import Shape

DROP_NOW = "UPDATE crossfade.runs SET retain_until = clock_timestamp() WHERE retain_until IS NOT NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A plan on a database whose shape is the old one, and the shape that it has to come to."""

    database: Database
    stage: Stage
    old: Shape
    new: Shape
    numbers: Iterator[int]
    """For the values, and for nothing else in this database."""

    def run(self, seed: str) -> tuple[int, int]:
        """All of it; how many statements the old and the new version sent."""
        meant, prepares = meaning(self.stage.entries), keeps_parameters(self.old, self.new)
        rows = rows_there(self.database, self.old, meant)
        senders = (
            Sender(
                name="old version",
                shape=shape_of_old(self.old, self.new),
                meaning=meant,
                is_old=True,
                rows=rows,
                random=Random(f"{seed} old"),
                numbers=self.numbers,
                prepares=prepares,
            ),
            Sender(
                name="new version",
                shape=shape_of_early(self.old, self.new),
                meaning=AS_IT_IS,
                is_old=False,
                rows=rows,
                random=Random(f"{seed} new"),
                numbers=self.numbers,
                prepares=prepares,
            ),
        )
        with Engine(self.database.url) as engine, _writers(self.database.url, *senders) as (old, new):
            self._through(engine, old, new)
            self._assert_kept(rows, Converter(self.database.connect(autocommit=True), meant, self.old))
            assert_nothing_left(self.database, engine)
            return old.statements, new.statements

    def _through(self, engine: Engine, old: LiveWriter, new: LiveWriter) -> None:
        plan = parse_plan(self.stage.text, "plan.yaml")
        old.work()
        engine.start(plan)
        engine.approve(plan.name, Phase.CONTRACT, "alice")
        self._advance(engine, plan.name, State.EXPANDED, new)
        new.work()
        both_send(old, new)
        state = self._advance(engine, plan.name, State.BACKFILLED, new)
        if state is State.BACKFILLED:
            new.turn_to(shape_in_between(self.old, self.new))
        both_send(old, new)
        old.rest()
        if state is State.BACKFILLED:
            with self.database.connect(autocommit=True, application_name="new version") as connection:
                new.sender.fill(connection, self.new)
            state = engine.contract(plan.name).state
            new.turn_to(self.new)
            new.send_some()
        if state is State.RETAINED:
            self.database.execute(DROP_NOW)
            state = engine.contract(plan.name).state
            new.send_some()
        new.rest()
        assert state is State.CONTRACTED

    def _advance(self, engine: Engine, name: str, goal: State, new: LiveWriter) -> State:
        state = engine.advance(name, to=goal).state
        if state is State.CONTRACTED:
            new.turn_to(self.new)
        return state

    def _assert_kept(self, rows: Rows, converter: Converter) -> None:
        found = list(rows.differences(self.database, self.new, converter))
        assert not found, found[:20]


def both_send(old: LiveWriter, new: LiveWriter) -> None:
    """Some statements of either."""
    old.send_some()
    new.send_some()


@contextmanager
def _writers(url: str, old: Sender, new: Sender) -> Iterator[tuple[LiveWriter, LiveWriter]]:
    """Both versions, at rest; they end with the block."""
    made = LiveWriter(url, old, count(1)), LiveWriter(url, new, count(1))
    try:
        yield made
    finally:
        for writer in made:
            writer.end()
