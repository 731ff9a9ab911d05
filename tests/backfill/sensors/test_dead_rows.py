"""Dead rows of the tables that are filled, on a table of observations and on real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.backfill.sensors.dead_rows import Observation, Relation, judge, observe
from crossfade.postgres.names import QualifiedName

from ...fixtures.owner import eventually

if TYPE_CHECKING:
    from typing import Any

    import psycopg

    from ...fixtures.database import Database

T = QualifiedName("public", "t")
K = 1000


def seen(live: int, dead: int, name: str = "t", *, due: bool = True, vacuumed: bool = False) -> Relation:
    return Relation(schema="public", name=name, live=live, dead=dead, is_due=due, is_vacuumed=vacuumed)


CASES = [
    ([], 1.0, None),
    ([seen(0, 0)], 1.0, None),
    ([seen(700 * K, 300 * K)], 1.0, None),
    (
        [seen(600 * K, 400 * K)],
        1.0,
        "40 % of the rows of public.t are dead, more than 30 %; a vacuum comes first",
    ),
    ([seen(600 * K, 400 * K, due=False)], 1.0, None),
    (
        [seen(600 * K, 400 * K, due=False, vacuumed=True)],
        1.0,
        "40 % of the rows of public.t are dead, more than 30 %; a vacuum is at work",
    ),
    ([seen(1, 99_999)], 1.0, None),
    ([seen(1, 1, due=True)], 1.0, None),
    (
        [seen(600 * K, 400 * K), seen(500 * K, 500 * K, "Odd"), seen(0, 900 * K, due=False)],
        1.0,
        '50 % of the rows of public."Odd" are dead, more than 30 %; a vacuum comes first',
    ),
    ([seen(740 * K, 260 * K)], 1.0, None),
    ([seen(740 * K, 260 * K)], 0.8, "26 % of the rows of public.t are dead, not yet below 24 %; a vacuum comes first"),
    ([seen(760 * K, 240 * K)], 0.8, None),
]


@pytest.mark.parametrize(("relations", "factor", "reason"), CASES)
def test_the_worst_relation_is_named(relations: list[Relation], factor: float, reason: str | None) -> None:
    assert judge(Observation(relations=tuple(relations)), 30, factor) == reason


@pytest.mark.every_server
def test_dead_rows_are_seen_by_any_role_until_they_are_vacuumed(
    watched: Database, sensing: psycopg.Connection[Any], blind: psycopg.Connection[Any]
) -> None:
    watched.execute("CREATE TABLE t AS SELECT FROM generate_series(1, 250000)")
    watched.execute("DELETE FROM t WHERE ctid < (SELECT max(ctid) FROM t) AND random() < 0.6")
    watched.execute("ANALYZE t")
    eventually(lambda: judge(observe(sensing, [T]), 30) is not None, "the statistics to arrive")
    reason = judge(observe(blind, [T, QualifiedName("public", "gone")]), 30)
    assert reason is not None
    assert reason.endswith("% of the rows of public.t are dead, more than 30 %; a vacuum comes first")
    watched.execute("VACUUM t")
    eventually(lambda: observe(sensing, [T]).relations[0].dead == 0, "the statistics to arrive")
    assert judge(observe(sensing, [T]), 30) is None
    assert observe(sensing, []).relations == ()


@pytest.mark.every_server
def test_autovacuum_is_due_as_the_server_reckons(watched: Database, sensing: psycopg.Connection[Any]) -> None:
    watched.execute("CREATE TABLE t AS SELECT FROM generate_series(1, 1000)")
    watched.execute("ANALYZE t; DELETE FROM t WHERE ctid >= (SELECT ctid FROM t OFFSET 700 LIMIT 1)")
    eventually(lambda: observe(sensing, [T]).relations[0].dead == 300, "the statistics to arrive")

    def is_due() -> bool:
        return observe(sensing, [T]).relations[0].is_due

    assert is_due(), "300 dead rows of 1000 are more than 50 and a fifth"
    watched.execute("ALTER TABLE t SET (autovacuum_enabled = false)")
    assert not is_due()
    watched.execute("ALTER TABLE t SET (autovacuum_enabled = true, autovacuum_vacuum_threshold = 99)")
    assert is_due()
    watched.execute("ALTER TABLE t SET (autovacuum_vacuum_threshold = 100)")
    assert not is_due()
    watched.execute("ALTER TABLE t SET (autovacuum_vacuum_scale_factor = 0.1)")
    assert is_due()
    if watched.server.major >= 18:
        watched.execute("ALTER TABLE t SET (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_max_threshold = 200)")
        assert is_due()
