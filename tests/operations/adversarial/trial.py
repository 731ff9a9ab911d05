"""One change of one hazard: refused up front by name, or right all the way: there, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.operations.acks import ACKS
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ...fixtures.database import fresh_database
from ..life.canonical import canonical
from ..life.leftovers import assert_nothing_left
from .changes import CHANGES

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.plan.model import Plan

    from ...fixtures.database import Database
    from .hazards import Hazard

RUN = "adversarial"


@dataclass(frozen=True, slots=True)
class Trial:
    """A hazard in a database of its own, and a change by its name in `CHANGES`."""

    database: Database
    hazard: Hazard
    change: str

    @property
    def plan(self) -> Plan:
        """The change alone; JSON is YAML."""
        entry, _ = CHANGES[self.change](self.hazard)
        head = {"crossfade": 1, "name": RUN, "hold": "0s", "changes": [entry]}
        return parse_plan(json.dumps(head, ensure_ascii=False), "adversarial.yaml")

    def refusals(self) -> tuple[Refusal, ...]:
        """What preflight says although everything is accepted that can be; nothing is changed by asking."""
        with Engine(self.database.url) as engine:
            return engine.check(self.plan, ACKS).refusals

    def goes_all_the_way(self) -> None:
        """Rolled back from `backfilled` to the dump of before, then to `contracted` and what plain DDL leaves."""
        before, plan = self.database.dump(), self.plan
        with Engine(self.database.url) as engine:
            engine.start(plan, acks=ACKS)
            engine.approve(RUN, Phase.CONTRACT, "alice")
            if engine.advance(plan, to=State.BACKFILLED).state is State.BACKFILLED:
                engine.rollback(RUN, discard=True)
                assert self.database.dump() == before, "rolled back, and not as before"
                assert_nothing_left(self.database, engine)
                engine.start(plan, acks=ACKS)
                engine.approve(RUN, Phase.CONTRACT, "alice")
                engine.advance(plan)
            assert engine.status(RUN).state is State.CONTRACTED
            assert_nothing_left(self.database, engine)
        assert canonical(self.database.dump()) == self._plain(), "not what plain DDL leaves"

    def _plain(self) -> str:
        _, ddl = CHANGES[self.change](self.hazard)
        with fresh_database(self.database.server) as plain:
            prepare(plain, self.hazard)
            plain.execute(ddl)
            return canonical(plain.dump())


def prepare(database: Database, hazard: Hazard) -> None:
    """The hazard in a new database; its roles belong to the server and may be there."""
    there = {name for (name,) in database.execute("SELECT rolname FROM pg_roles")}
    for role in hazard.roles:
        if role not in there:
            database.execute(f"CREATE ROLE {role}")
    database.execute(hazard.setup + hazard.on_top)
