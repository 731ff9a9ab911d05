"""Random plans on random tables, under both versions of an app, with runners that die: the short form.

The long one is tests/stress/test_random_plans.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from ...fixtures.database import fresh_database
from .changes import plans
from .course import Course, ways
from .tables import Table, tables

if TYPE_CHECKING:
    from ...fixtures.servers import Server


@settings(
    max_examples=6,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(table=tables(), data=st.data())
def test_a_random_plan_ends_as_plain_ddl_or_as_before(server: Server, table: Table, data: st.DataObject) -> None:
    plan, way = data.draw(plans(table.shape)), data.draw(ways())
    with fresh_database(server) as database:
        event(f"ended {Course(database=database, table=table, plan=plan, way=way).run()}")
