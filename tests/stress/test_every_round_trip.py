"""A runner dies around every round trip to the server, in turn; started again, it comes to the same end.

Twice for each command: once on a run that goes on from where the last death left it, and once on a fresh copy of the
database for every single death, so that no moment is skipped because an earlier runner had got past it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..scenarios.mortals import (
    RUN,
    assert_each_row_updated_once,
    assert_nothing_left,
    assert_values_kept,
    dump_of_plain_rename,
    plan,
    prepare,
)
from ..scenarios.victims import Life, Moment, Nursery
from .copies import copy_of

if TYPE_CHECKING:
    from ..fixtures.database import Database

ROWS = 250
WRONG_STATE = 5
MOST_ROUND_TRIPS = 2000
"""A command that needs more would be a loop without an end."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command, where its run stands before, and what has to hold after it."""

    name: str
    retain: str
    begins: State
    ends: State
    done_again: int = 0
    """Its exit code where an earlier runner has done all of it."""


COMMANDS = (
    Command(name="advance", retain="0s", begins=State.PLANNED, ends=State.CONTRACTED),
    Command(name="rollback", retain="0s", begins=State.BACKFILLED, ends=State.ROLLED_BACK),
    Command(name="revert", retain="7d", begins=State.RETAINED, ends=State.BACKFILLED, done_again=WRONG_STATE),
)
EVERY_COMMAND = pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.name)
EVERY_MOMENT = pytest.mark.parametrize("moment", ["before", "after sending"])


def moments(kind: str) -> Iterator[Moment]:
    """Around the first round trip, the second, and so on."""
    for number in range(1, MOST_ROUND_TRIPS):
        yield Moment(before_round_trip=number) if kind == "before" else Moment(after_sending=number)
    pytest.fail(f"it did not come to an end within {MOST_ROUND_TRIPS} round trips")


@dataclass(frozen=True, kw_only=True)
class Dumps:
    """The schema from before the run, and what plain DDL makes of it."""

    before: str
    plain_rename: str


def bring_to_the_beginning(database: Database, command: Command) -> Dumps:
    prepare(database, ROWS, plan(retain=command.retain))
    dumps = Dumps(before=database.dump(), plain_rename=dump_of_plain_rename(database))
    if command.begins is not State.PLANNED:
        with Engine(database.url) as engine:
            assert engine.advance(RUN, to=command.begins).state is command.begins
    return dumps


def assert_the_end_is_right(database: Database, command: Command, dumps: Dumps) -> None:
    with Engine(database.url) as engine:
        assert engine.status(RUN).state is command.ends
    assert_each_row_updated_once(database)
    assert_nothing_left(database)
    if command.ends is not State.ROLLED_BACK:
        assert_values_kept(database, "email_address")
    if command.ends is not State.CONTRACTED:
        assert_values_kept(database, "email")
    if command.ends is State.BACKFILLED:
        with Engine(database.url) as engine:
            assert engine.rollback(RUN).state is State.ROLLED_BACK
        assert_values_kept(database, "email")
    assert database.dump() == (dumps.plain_rename if command.ends is State.CONTRACTED else dumps.before)


def died(life: Life) -> bool:
    """Whether it was killed, or was to be killed after sending where a wait had nothing to send."""
    return life.killed or "StopIteration" in (life.error or "")


def assert_no_defect(life: Life, command: Command, moment: Moment) -> None:
    assert life.exit_code in (0, command.done_again), (life, moment)


@EVERY_MOMENT
@EVERY_COMMAND
def test_one_run_goes_on_from_every_death(
    database: Database, nursery: Nursery, command: Command, moment: str, figure: Callable[[str, object], None]
) -> None:
    dumps = bring_to_the_beginning(database, command)
    deaths = 0
    for at in moments(moment):
        life = nursery.life(database.url, command.name, RUN, at)
        if not died(life):
            assert_no_defect(life, command, at)
            break
        deaths += 1
    assert deaths > 0
    figure("deaths", deaths)
    assert_the_end_is_right(database, command, dumps)


@EVERY_MOMENT
@EVERY_COMMAND
def test_each_death_on_a_fresh_database(
    database: Database, nursery: Nursery, command: Command, moment: str, figure: Callable[[str, object], None]
) -> None:
    dumps = bring_to_the_beginning(database, command)
    deaths = 0
    for at in moments(moment):
        with copy_of(database) as copy:
            life = nursery.life(copy.url, command.name, RUN, at)
            if died(life):
                deaths += 1
                assert_no_defect(nursery.life(copy.url, command.name, RUN), command, at)
            assert_the_end_is_right(copy, command, dumps)
        if not died(life):
            assert life.exit_code == 0, life
            break
    assert deaths > 0
    figure("deaths", deaths)
