"""Eight runners are started at once, again and again: one works, the others are told so and change nothing."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

import pytest

from crossfade.workflow.engine import Engine
from crossfade.workflow.lease import SUCCESSION_SECONDS
from crossfade.workflow.states import State

from ..fixtures.command import Cli
from ..fixtures.database import Database, fresh_database
from ..scenarios.mortals import (
    RUN,
    assert_each_row_updated_once,
    assert_nothing_left,
    assert_values_kept,
    dump_of_plain_rename,
    plan,
    prepare,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..fixtures.command import Outcome
    from ..fixtures.servers import Server

    Race: TypeAlias = Callable[[Database, list[tuple[str, ...]]], list[Outcome]]

RUNNERS, ROUNDS, ROWS = 8, 20, 60
DONE, BUSY = 0, 5
SLOW = f"""
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_sleep({2.5 * SUCCESSION_SECONDS / ROWS}); RETURN NEW; END $$;
CREATE TRIGGER a_slow BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION slow();
"""
"""Whoever has the lease has it for longer than the others wait for it."""


@pytest.fixture
def race(server: Server, tmp_path: Path) -> Iterator[Race]:
    """Start several commands at the same instant and wait for all of them."""
    with ThreadPoolExecutor(max_workers=RUNNERS) as threads:

        def start(database: Database, commands: list[tuple[str, ...]]) -> list[Outcome]:
            cli = Cli(database.url, tmp_path)
            return list(threads.map(lambda words: cli(*words, "--json"), commands))

        yield start


def assert_refused_for_the_lease(outcome: Outcome) -> None:
    assert outcome.code == BUSY, outcome
    error = outcome.json()["error"]
    assert error["code"] == "lease_held", outcome
    assert "pid" in error["message"]


def assert_one_worked(database: Database) -> None:
    """The lease was taken by one, for the way to `retained` and again for the drop, and each thing was done once."""
    assert database.execute("SELECT token, holder FROM crossfade.runs") == [(2, None)]
    assert database.execute("SELECT DISTINCT attempts FROM crossfade.steps") == [(1,)]
    moves = database.execute("SELECT count(*), count(DISTINCT data) FROM crossfade.events WHERE kind = 'state_changed'")
    assert moves[0][0] == moves[0][1] > 0


def test_of_eight_runners_exactly_one_works(
    server: Server,
    race: Callable[[Database, list[tuple[str, ...]]], list[Outcome]],
    figure: Callable[[str, object], None],
) -> None:
    for _ in range(ROUNDS):
        with fresh_database(server) as database:
            prepare(database, ROWS, plan())
            expected = dump_of_plain_rename(database)
            database.execute(SLOW)
            outcomes = race(database, [("advance", RUN)] * RUNNERS)
            codes = Counter(outcome.code for outcome in outcomes)
            assert codes == {DONE: 1, BUSY: RUNNERS - 1}, [str(o) for o in outcomes]
            for outcome in outcomes:
                if outcome.code:
                    assert_refused_for_the_lease(outcome)
                else:
                    assert outcome.json()["state"] == State.CONTRACTED
            assert_one_worked(database)
            database.execute("DROP TRIGGER a_slow ON users; DROP FUNCTION slow")
            assert_each_row_updated_once(database)
            assert_values_kept(database, "email_address")
            assert database.dump() == expected
            assert_nothing_left(database)
    figure("rounds", ROUNDS)


def test_runners_that_go_forward_and_back_at_once_never_mix(
    server: Server,
    race: Callable[[Database, list[tuple[str, ...]]], list[Outcome]],
    figure: Callable[[str, object], None],
) -> None:
    """Whoever comes later finds the run where the one before left it, whole."""
    ends: Counter[str] = Counter()
    forward, back = ("advance", RUN), ("rollback", RUN, "--confirm", RUN)
    for number in range(ROUNDS):
        with fresh_database(server) as database:
            prepare(database, ROWS, plan())
            before, renamed = database.dump(), dump_of_plain_rename(database)
            with Engine(database.url) as engine:
                engine.expand(RUN)
            order = [forward, back] if number % 2 else [back, forward]
            outcomes = race(database, order * (RUNNERS // 2))
            with Engine(database.url) as engine:
                state = engine.status(RUN).state
            assert state in (State.CONTRACTED, State.ROLLED_BACK), [str(o) for o in outcomes]
            assert {o.json()["state"] for o in outcomes if o.code == DONE} == {state}
            assert database.dump() == (renamed if state is State.CONTRACTED else before)
            assert_values_kept(database, "email_address" if state is State.CONTRACTED else "email")
            assert_nothing_left(database)
            if state is State.CONTRACTED:
                assert_each_row_updated_once(database)
            ends[state.value] += 1
            # Whoever cannot do what it came for any more is told that it is in conflict, not that work is left.
            told_otherwise = [str(o) for o in outcomes if o.code not in (DONE, BUSY)]
            assert told_otherwise == []
    for state_name, count in ends.items():
        figure(state_name, count)
