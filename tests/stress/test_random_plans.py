"""Random plans on random tables, hundreds of them: what the suite does with a few.

`CROSSFADE_STRESS_PLANS` sets how many, on each server. Preflight may refuse a plan, but not most of them: then what is
drawn would say little.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..fixtures.database import fresh_database
from ..operations.random_plans.changes import plans
from ..operations.random_plans.course import Course, ways
from ..operations.random_plans.tables import Table, tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..fixtures.servers import Server

PLANS = int(os.environ.get("CROSSFADE_STRESS_PLANS", "200"))


@pytest.mark.every_server
def test_random_plans_end_as_plain_ddl_or_as_before(server: Server, figure: Callable[[str, object], None]) -> None:
    ends: Counter[str] = Counter()

    @settings(max_examples=PLANS, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(table=tables(), data=st.data())
    def each(table: Table, data: st.DataObject) -> None:
        plan, way = data.draw(plans(table.shape)), data.draw(ways())
        with fresh_database(server) as database:
            course = Course(database=database, table=table, plan=plan, way=way)
            ends[course.run() or "refused"] += 1
            ends["deaths"] += course.deaths

    each()
    for end, count in sorted(ends.items()):
        figure(str(end), count)
    assert ends["refused"] < PLANS / 2, ends
