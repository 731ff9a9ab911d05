"""While a person thinks about turning back, another runner goes on: what was agreed to is no longer on offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.errors import Conflict, CrossfadeError
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..scenarios.mortals import RUN, assert_values_kept, plan, prepare

if TYPE_CHECKING:
    from ..fixtures.database import Database


@pytest.mark.parametrize(
    ("command", "begins", "meanwhile", "retain"),
    [
        ("rollback", State.BACKFILLED, State.RETAINED, "0s"),
        ("rollback", State.BACKFILLED, State.RETAINED, "7d"),
        ("rollback", State.EXPANDED, State.CONTRACTED, "0s"),
        ("revert", State.RETAINED, State.CONTRACTED, "0s"),
    ],
)
def test_turning_back_too_late_is_a_conflict_and_changes_nothing(
    database: Database, command: str, begins: State, meanwhile: State, retain: str
) -> None:
    prepare(database, 100, plan(retain=retain))

    def think(_question: str) -> None:
        with Engine(database.url) as other:
            assert other.advance(RUN, to=meanwhile).state is meanwhile

    with Engine(database.url) as engine:
        engine.advance(RUN, to=begins)
        error: CrossfadeError | None = None
        try:
            getattr(engine, command)(RUN, confirm=think)
        except CrossfadeError as raised:
            error = raised
        assert engine.status(RUN).state is meanwhile, "it went forward although it was to go back"
    assert isinstance(error, Conflict), error
    assert_values_kept(database, "email_address")
