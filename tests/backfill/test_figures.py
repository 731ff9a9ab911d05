"""What the ledger says of how far the rows of a run are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.errors import WorkLeft
from crossfade.postgres.connect import connect
from crossfade.workflow.progress import ProgressReader, read_progress

from .filling import KEYED, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    import psycopg

    from crossfade.observe.figures import RunProgress

    from .filling import Filling

    Start: TypeAlias = Callable[[str], Filling]

PARTITIONED = """
CREATE TABLE t (id int, old text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (1) TO (501);
CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (501) TO (1001);
"""


def figures(filling: Filling) -> RunProgress:
    found = read_progress(filling.connection, filling.run_id)
    assert found is not None
    return found


def fill_partly(filling: Filling, batches: int) -> None:
    """Do so many batches of ten rows."""
    with pytest.raises(WorkLeft):
        filling.fill(
            batch_rows=10, max_rows=10, stop=lambda: "that is enough" if len(filling.sizes) >= batches else None
        )


def add_ready_batch(filling: Filling, after: int, upto: int) -> None:
    """Cut the next batch, as a worker does that looks ahead."""
    filling.sql(
        "INSERT INTO crossfade.batches (backfill_id, run_id, change_id, pass, after_key, upto_key, covered)"
        " SELECT id, run_id, change_id, pass, ARRAY[%s::text], ARRAY[%s::text], %s FROM crossfade.backfills"
        " WHERE run_id = %s",
        [after, upto, upto - after, filling.run_id],
    )
    filling.sql("UPDATE crossfade.backfills SET frontier = ARRAY[%s::text] WHERE run_id = %s", [upto, filling.run_id])


def age(filling: Filling, interval: str, upto_batch: int | None = None) -> None:
    """Let the batches be older; only the first so many, if that is said."""
    filling.sql(
        "UPDATE crossfade.batches SET at = at - %s::interval WHERE id IN (SELECT id FROM crossfade.batches"
        " WHERE run_id = %s AND state = 'done' ORDER BY id LIMIT %s)",
        [interval, filling.run_id, upto_batch],
    )


def test_before_the_first_relation_was_begun_there_are_no_figures(start: Start) -> None:
    filling = start(KEYED)
    assert read_progress(filling.connection, filling.run_id) is None


def test_the_fraction_grows_with_every_batch_and_is_whole_only_at_the_end(start: Start) -> None:
    filling = start(KEYED + rows(300))
    seen: list[RunProgress] = []
    filling.fill(batch_rows=10, max_rows=10, after_batch=lambda _number: seen.append(figures(filling)))
    fractions = [f.fraction or 0.0 for f in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1
    assert [f.rows_done for f in seen] == list(range(10, 310, 10))
    end = figures(filling)
    assert (end.fraction, end.rows_done, end.rows_estimated, end.batches, end.eta_seconds) == (1.0, 300, 300, 30, 0.0)
    assert [t.finished for t in end.tables] == [True]


def test_the_estimate_is_corrected_by_where_the_frontier_stands(start: Start) -> None:
    filling = start(KEYED + rows(2000) + "ANALYZE t")
    fill_partly(filling, 50)
    filling.sql("UPDATE crossfade.backfills SET rows_estimated = 90000 WHERE run_id = %s", [filling.run_id])
    found = figures(filling)
    assert found.rows_estimated == pytest.approx(2000, rel=0.1)
    assert found.fraction == pytest.approx(0.25, abs=0.03)


def test_while_little_is_cut_the_estimate_stays(start: Start) -> None:
    filling = start(KEYED + rows(2000) + "ANALYZE t")
    fill_partly(filling, 3)
    filling.sql("UPDATE crossfade.backfills SET rows_estimated = 90000 WHERE run_id = %s", [filling.run_id])
    assert figures(filling).rows_estimated == 90000


def test_without_statistics_rows_are_counted_against_the_estimate(start: Start) -> None:
    filling = start(KEYED + rows(400))
    fill_partly(filling, 10)
    found = figures(filling)
    assert (found.rows_estimated, found.fraction) == (400, 0.25)


def test_a_batch_that_is_cut_is_not_done(start: Start) -> None:
    filling = start(KEYED + rows(2000) + "ANALYZE t")
    fill_partly(filling, 50)
    add_ready_batch(filling, 500, 1000)
    found = figures(filling)
    assert found.rows_done == 500
    assert found.fraction == pytest.approx(0.25, abs=0.03)
    assert found.rows_estimated == pytest.approx(2000, rel=0.1)


def test_a_row_more_than_estimated_is_not_the_whole(start: Start) -> None:
    filling = start(KEYED + rows(400))
    fill_partly(filling, 10)
    filling.sql("UPDATE crossfade.backfills SET rows_estimated = 100 WHERE run_id = %s", [filling.run_id])
    fraction = figures(filling).fraction
    assert fraction is not None
    assert fraction < 1


def test_an_eta_needs_twenty_batches(start: Start) -> None:
    filling = start(KEYED + rows(1000))
    fill_partly(filling, 19)
    early = figures(filling)
    assert (early.eta_p50, early.eta_reason) == (None, "too few batches")
    fill_partly(filling, 21)
    found = figures(filling)
    assert found.eta_p50 is not None
    assert found.eta_p90 is not None
    assert found.eta_p50 <= found.eta_p90
    assert (found.state, found.workers, found.eta_reason) == ("backfilling", 1, None)


def test_a_break_does_not_count_as_slow_work(start: Start) -> None:
    filling = start(KEYED + rows(1000))
    fill_partly(filling, 40)
    before = figures(filling).rows_per_second
    age(filling, "3 hours", 20)
    after = figures(filling).rows_per_second
    assert before is not None
    assert after is not None
    # Of the break about a second is taken for work. The first batch says only when the second began.
    assert 390 / after < 390 / before + 60


def test_relations_are_done_one_after_the_other(start: Start) -> None:
    filling = start(PARTITIONED + rows(1000))
    fill_partly(filling, 40)
    found = figures(filling)
    first, second = found.tables
    assert (found.rows_done, found.rows_estimated, found.batches) == (400, 1000, 40)
    assert found.fraction == pytest.approx(0.4)
    assert (first.rows_done, second.rows_done, second.fraction) == (400, 0, 0.0)
    assert first.eta_p50 is not None
    assert second.eta_p50 is not None
    assert first.eta_p50 < second.eta_p50
    assert second.eta_p50 == found.eta_p50
    assert found.as_json()["tables"] == 2


def test_a_throttle_blocks_the_eta_and_its_time_is_counted(start: Start) -> None:
    filling = start(KEYED + rows(1000))
    fill_partly(filling, 40)
    filling.sql(
        "UPDATE crossfade.backfills SET throttled_by = 'a replica is late', throttled_seconds = 5,"
        " throttled_since = clock_timestamp() - interval '1 minute' WHERE run_id = %s",
        [filling.run_id],
    )
    found = figures(filling)
    assert found.state == "throttled, a replica is late"
    assert (found.eta_p50, found.eta_reason) == (None, "blocked: a replica is late")
    assert (found.throttled_by, found.tables[0].throttled_by) == ("a replica is late", "a replica is late")
    assert found.throttled_seconds == pytest.approx(65, abs=5)


def test_time_that_was_throttled_lately_makes_the_eta_later(start: Start) -> None:
    filling = start(KEYED + rows(1000))
    fill_partly(filling, 40)
    # The work began an hour ago, and all but its last quarter was throttled.
    filling.sql(
        "UPDATE crossfade.backfills SET started_at = started_at - interval '1 hour' WHERE run_id = %s", [filling.run_id]
    )
    before = figures(filling).eta_seconds
    for kind, ago in (("throttled", "50 minutes"), ("unthrottled", "20 minutes")):
        filling.sql(
            "INSERT INTO crossfade.events (run_id, kind, at) VALUES (%s, %s, clock_timestamp() - %s::interval)",
            [filling.run_id, kind, ago],
        )
    after = figures(filling).eta_seconds
    assert before is not None
    assert after is not None
    assert after == pytest.approx(2 * before, rel=0.02)


def test_a_paused_run_has_no_eta(start: Start) -> None:
    filling = start(KEYED + rows(1000))
    fill_partly(filling, 40)
    filling.sql("UPDATE crossfade.runs SET paused = 'a release' WHERE id = %s", [filling.run_id])
    found = figures(filling)
    assert (found.state, found.eta_reason) == ("paused: a release", "blocked: paused: a release")


def test_who_has_a_batch_in_hand_is_at_work(start: Start) -> None:
    filling = start(KEYED + rows(1000))
    fill_partly(filling, 40)
    add_ready_batch(filling, 400, 410)
    age(filling, "10 minutes")
    nobody = figures(filling)
    assert (nobody.workers, nobody.state, nobody.eta_reason) == (0, "nobody is at work", "blocked: nobody is at work")
    with filling.other() as worker:
        worker.execute(
            "SELECT FROM crossfade.batches WHERE run_id = %s AND state = 'ready' FOR UPDATE", [filling.run_id]
        )
        found = figures(filling)
        assert (found.workers, found.tables[0].workers, found.state) == (1, 1, "backfilling")
        worker.rollback()
    assert figures(filling).workers == 0


def test_refused_rows_are_counted_by_what_was_decided(start: Start) -> None:
    filling = start(KEYED + rows(100))
    fill_partly(filling, 2)
    for number, state in enumerate(("open", "open", "waived", "resolved")):
        filling.sql(
            "INSERT INTO crossfade.rejected_rows (run_id, change_id, relation, key, sqlstate, message, state)"
            " SELECT run_id, change_id, relation, jsonb_build_object('id', %s::int), '23514', 'no', %s"
            " FROM crossfade.backfills WHERE run_id = %s",
            [number, state, filling.run_id],
        )
    found = figures(filling)
    assert (found.quarantined, found.waived) == (2, 1)
    assert (found.tables[0].quarantined, found.tables[0].waived) == (2, 1)


def test_what_was_compared_is_said(start: Start) -> None:
    filling = start(PARTITIONED + rows(1000))
    filling.fill(batch_rows=1000)
    assert figures(filling).verified_share is None
    filling.verify()
    assert figures(filling).verified_share == 1.0


def test_wal_is_counted(start: Start) -> None:
    filling = start(KEYED + rows(1000))
    fill_partly(filling, 40)
    found = figures(filling).wal_per_second
    assert found is not None
    assert found > 0


def test_an_unknown_run_has_no_figures_and_a_lost_connection_is_made_anew(start: Start) -> None:
    filling = start(KEYED + rows(100))
    fill_partly(filling, 2)
    opened: list[psycopg.Connection[Any]] = []

    def reach() -> psycopg.Connection[Any]:
        opened.append(connect(filling.database.url))
        return opened[-1]

    reader = ProgressReader(reach)
    assert reader("nobody") is None
    assert reader(filling.run) is not None
    filling.sql("SELECT pg_terminate_backend(%s)", [opened[0].info.backend_pid])
    assert reader(filling.run) is None
    assert reader(filling.run) is not None
    assert len(opened) == 2
    reader.close()
