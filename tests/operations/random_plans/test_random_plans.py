"""Random plans on random tables, under both versions of an app, with runners that die.

A few examples by default; as many as CROSSFADE_RANDOM_PLANS says, each time others, with it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from ...fixtures.database import fresh_database
from .changes import plans
from .course import Course, ways
from .tables import Table, tables

if TYPE_CHECKING:
    from ...fixtures.servers import Server

MANY = os.environ.get("CROSSFADE_RANDOM_PLANS")


@settings(
    max_examples=int(MANY or 12),
    derandomize=MANY is None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[*HealthCheck],
)
@given(st.data())
def test_a_random_plan_ends_as_plain_ddl_or_as_before(server: Server, data: st.DataObject) -> None:
    table: Table = data.draw(tables(), "table")
    plan = data.draw(plans(table.shape), "plan")
    way = data.draw(ways(), "way")
    with fresh_database(server) as database:
        ended = Course(database=database, table=table, plan=plan, way=way).run()
        event(f"ended {ended}")
