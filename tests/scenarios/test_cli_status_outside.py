"""What is outside of the database and does not answer holds up no one who only wants to see where a run stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..gates.answering import Answering, Reply, answering
from .users_table import RUN, make_users, succeed, write_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.command import Cli
    from ..fixtures.database import Database


@pytest.fixture
def web() -> Iterator[Answering]:
    with answering() as made:
        made.replies["/hangs"] = Reply(hangs=True)
        yield made


@pytest.mark.parametrize("goal", ["expanded", "backfilled"])
def test_status_asks_nothing_outside_of_the_database(cli: Cli, database: Database, web: Answering, goal: str) -> None:
    make_users(database)
    source = f'{{http: {{urls: ["{web.url}/hangs"], timeout: 10s}}}}'
    extra = (
        f'apps:\n  api: {{scheme: semver, new: ">=2.0.0", sources: [heartbeat, {source}]}}\n'
        f'gates:\n  contract:\n    - http: {{url: "{web.url}/hangs", timeout: 10s}}\n'
    )
    succeed(cli, "start", write_plan(cli.directory, extra))
    succeed(cli, "advance", RUN, "--to", goal)
    found = succeed(cli, "status", RUN, "--json").json()
    assert found["state"] == goal
    if goal == "backfilled":
        gates = {g["kind"]: g for g in found["gates"]["contract"]}
        assert gates["http"]["verdict"] == gates["app_version"]["verdict"] == "UNKNOWN"
        assert "was not asked" in gates["http"]["reason"]
    assert web.asked == []
