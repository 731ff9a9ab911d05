"""The course of a case through every state, there and back, with both versions of the app at work.

    1  expand, rollback                     the dump is the one from before, byte for byte
    2  expand, backfill, rollback           the same, and every fact is there
    3  expand, backfill, contract           both shapes say the same; the new version works on while the old one hides
    4  revert                               both versions work again, and both shapes say the same
    5  contract, the end of `retain`, drop  every fact is there; the schema is the one that plain DDL leaves

The old version is at work whenever its shape is there, the new one from `new_from` on. Rounds 1 to 4 move under writes
that are kept; where facts of before and after are compared exactly, the writes of the move are rolled back. A run that
is further than where it was sent, because there was nothing to do there, is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from crossfade.operations.step import Phase
from crossfade.workflow.states import FORWARD, State

from .canonical import canonical
from .case import RUN
from .leftovers import assert_nothing_left

if TYPE_CHECKING:
    from crossfade import Engine

    from ...fixtures.database import Database
    from .case import Case
    from .writers import Writer

Rows = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What plain DDL leaves: the schema, and the facts of rows that no writer touches."""

    schema: str
    untouched: list[Rows]


def end_of(case: Case, database: Database) -> End:
    """What is in the database now, as it is compared; `canonical` says how."""
    return End(schema=canonical(database.dump()), untouched=[database.execute(query) for query in case.untouched])


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One case in one database, and the end that it has to come to."""

    case: Case
    database: Database
    end: End
    engine: Engine
    old: Writer
    new: Writer

    def run(self) -> None:
        """All of it."""
        before = self.database.dump()
        if State.EXPANDED in self.case.turns_back and not self._rolled_back_from_expanded(before):
            self._assert_the_end_is_right()
            return
        if State.BACKFILLED in self.case.turns_back and not self._rolled_back_from_backfilled(before):
            self._assert_the_end_is_right()
            return
        if self._backfilled() is State.BACKFILLED:
            self._contract()
        self._assert_the_end_is_right()

    # There and back; False where the run was over before it could turn back.

    def _rolled_back_from_expanded(self, before: str) -> bool:
        if self._expanded() is State.CONTRACTED:
            return False
        self._let_both_work()
        self.new.rest()
        self._roll_back()
        self.old.rest()
        self._assert_as_before(before)
        return True

    def _rolled_back_from_backfilled(self, before: str) -> bool:
        if self._backfilled() is State.CONTRACTED:
            return False
        self._both_rest()
        facts = self._assert_parity()
        self.old.rehearse()
        self._roll_back()
        self.old.rest()
        self._assert_as_before(before)
        assert [self.database.execute(old) for old, _ in self.case.reads] == facts, "rollback lost facts"
        return True

    def _contract(self) -> None:
        self.old.rest()
        if self._hidden() is State.CONTRACTED:
            self.new.rest()
            return
        assert self.engine.orphans() == ()
        if State.RETAINED in self.case.turns_back:
            self._revert()
            self._both_rest()
            facts = self._assert_parity()
            self.new.rehearse()
            assert self._hidden() is State.RETAINED
            self.new.rest()
            assert self._new_facts() == facts, "contract lost facts"
            self.new.work()
        self._drop()

    def _revert(self) -> None:
        assert self.engine.revert(RUN).state is State.BACKFILLED
        self._let_both_work()

    def _drop(self) -> None:
        self.new.rest()
        facts = self._new_facts()
        self.database.execute(
            "UPDATE crossfade.runs SET retain_until = clock_timestamp() WHERE retain_until IS NOT NULL"
        )
        self.new.rehearse()
        assert self.engine.contract(RUN).state is State.CONTRACTED
        self.new.rest()
        assert self._new_facts() == facts, "the drop lost facts"

    # Moves

    def _expanded(self) -> State:
        self.old.work()
        self.engine.start(self.case.plan, acks=self.case.acks)
        self.engine.approve(RUN, Phase.CONTRACT, "alice")
        return self._advanced(State.EXPANDED)

    def _backfilled(self) -> State:
        if self._expanded() is not State.CONTRACTED and self.case.new_from is State.EXPANDED:
            self.new.work()
        reached = self._advanced(State.BACKFILLED)
        self._let_both_work()
        return reached

    def _advanced(self, goal: State) -> State:
        reached = self.engine.advance(RUN, to=goal).state
        assert FORWARD.index(reached) >= FORWARD.index(goal)
        self._check(reached)
        return reached

    def _hidden(self) -> State:
        reached = self.engine.contract(RUN).state
        assert reached in (State.RETAINED, State.CONTRACTED)
        self._check(reached)
        return reached

    def _roll_back(self) -> None:
        assert self.case.rolls_back(self.engine, RUN).state is State.ROLLED_BACK

    def _let_both_work(self) -> None:
        """The old version, and the new one where its shape is there."""
        self.old.work()
        if self.engine.status(RUN).state is not State.EXPANDED or self.case.new_from is State.EXPANDED:
            self.new.work()

    def _both_rest(self) -> None:
        self.old.rest()
        self.new.rest()

    # What holds

    def _check(self, state: State) -> None:
        for check in self.case.checks.get(state, ()):
            if callable(check):
                check(self.database)
                continue
            query, expected = check
            assert self.database.execute(query) == expected, f"{state}: {query}"

    def _assert_parity(self) -> list[Rows]:
        """Both shapes hold the same facts; which."""
        facts = []
        for old, new in self.case.reads:
            old_rows, new_rows = self.database.execute(old), self.database.execute(new)
            assert old_rows, f"says nothing: {old}"
            differing = [pair for pair in zip_longest(old_rows, new_rows) if pair[0] != pair[1]]
            assert not differing, f"not the same: {old} and {new}: {differing[:3]}"
            facts.append(old_rows)
        return facts

    def _new_facts(self) -> list[Rows]:
        return [self.database.execute(new) for _, new in self.case.reads]

    def _assert_as_before(self, before: str) -> None:
        assert self.database.dump() == before
        assert_nothing_left(self.database, self.engine)

    def _assert_the_end_is_right(self) -> None:
        assert self.engine.status(RUN).state is State.CONTRACTED
        self._check(State.CONTRACTED)
        self.new.work()
        self._both_rest()
        assert end_of(self.case, self.database) == self.end
        assert_nothing_left(self.database, self.engine)
