"""Every change of every hazard, on every server; what the suite does with a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..fixtures.database import fresh_database
from ..operations.adversarial.changes import CHANGES
from ..operations.adversarial.expected import codes
from ..operations.adversarial.hazards import HAZARDS, Hazard
from ..operations.adversarial.trial import Trial, prepare

if TYPE_CHECKING:
    from ..fixtures.servers import Server


@pytest.mark.every_server
@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard.id)
def test_every_change_is_right_or_refused_by_name(hazard: Hazard, server: Server) -> None:
    if int(server.version.split(".")[0]) < hazard.oldest:
        pytest.skip(f"PostgreSQL {server.version} has no such table")
    for change in CHANGES:
        with fresh_database(server) as database:
            prepare(database, hazard)
            trial, expected = Trial(database, hazard, change), codes(hazard.id, change)
            assert {refusal.code for refusal in trial.refusals()} == expected, change
            if not expected:
                trial.goes_all_the_way()
