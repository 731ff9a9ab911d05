"""Tables with something that a change may trip over: each is right or refused up front by name. The short form.

For each reason that a hazard is refused for, one change that it is about, and one that is let pass; a few of these go
all the way. Every change of every hazard is tests/stress/test_adversarial.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .changes import CHANGES
from .expected import REFUSED, codes
from .hazards import HAZARDS
from .trial import Trial, prepare

if TYPE_CHECKING:
    from ...fixtures.database import Database

BY_ID = {hazard.id: hazard for hazard in HAZARDS}
ALL_THE_WAY = (
    ("indexes of every kind", "change_type"),
    ("its name inside of literals", "change_type into"),
    ("names of 63 bytes with a prefix in common", "rename_column by alias"),
)


@pytest.mark.parametrize("hazard", sorted(REFUSED))
def test_what_cannot_be_done_is_refused_by_name(hazard: str, database: Database) -> None:
    prepare(database, BY_ID[hazard])
    for change in one_for_each_answer(hazard):
        assert_refused_as_expected(Trial(database, BY_ID[hazard], change))


def one_for_each_answer(hazard: str) -> tuple[str, ...]:
    """By the codes that a change gets; none is an answer too."""
    return tuple({codes(hazard, change): change for change in reversed(CHANGES)}.values())


def assert_refused_as_expected(trial: Trial) -> None:
    found = trial.refusals()
    assert {refusal.code for refusal in found} == codes(trial.hazard.id, trial.change), (trial.change, found)
    for refusal in found:
        name = refusal.object.partition("(")[0].split()[-1].rpartition(".")[2].strip('"')
        assert name in trial.hazard.setup + trial.hazard.on_top or name.startswith(trial.hazard.table), refusal


@pytest.mark.parametrize(("hazard", "change"), ALL_THE_WAY)
def test_what_is_not_refused_is_right(hazard: str, change: str, database: Database) -> None:
    prepare(database, BY_ID[hazard])
    Trial(database, BY_ID[hazard], change).goes_all_the_way()
