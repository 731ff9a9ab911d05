"""Partitions that come and go while their table is filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.errors import RowsFailed, WorkLeft

from .filling import COUNTED, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from .filling import Filling

PARTED = """
CREATE TABLE t (id int PRIMARY KEY, old text, other int DEFAULT 0) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (1) TO (31);
CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (31) TO (61) PARTITION BY RANGE (id);
CREATE TABLE p2_a PARTITION OF p2 FOR VALUES FROM (31) TO (41);
CREATE TABLE p2_b PARTITION OF p2 FOR VALUES FROM (41) TO (61);
"""
NEXT = """
CREATE TABLE p3 (LIKE t INCLUDING ALL);
INSERT INTO p3 (id, old) SELECT g, 'v' || g FROM generate_series(61, 75) g;
ALTER TABLE t ATTACH PARTITION p3 FOR VALUES FROM (61) TO (91);
"""


def test_partitions_of_two_levels_are_filled_each_by_itself(start: Callable[[str], Filling]) -> None:
    filling = start(PARTED + rows(60) + COUNTED)
    filling.fill()
    assert filling.updates() == dict.fromkeys(range(1, 61), 1)
    done = {
        relation: sum(written for name, _, _, written in filling.batches() if name == relation)
        for relation in ("p1", "p2_a", "p2_b")
    }
    assert done == {"p1": 30, "p2_a": 10, "p2_b": 20}
    for relation, count in done.items():
        assert filling.progress("rows_done", "finished_at IS NOT NULL", relation=relation) == (count, True)
    assert filling.progress("true", relation="t") is None


def test_a_partition_that_is_attached_with_rows_meanwhile_is_filled_too(start: Callable[[str], Filling]) -> None:
    filling = start(PARTED + rows(60) + COUNTED)
    filling.fill(after_batch=lambda number: filling.sql(NEXT) if number == 1 else None)
    assert filling.pending() == 0
    assert filling.updates() == dict.fromkeys(range(1, 76), 1)
    assert filling.progress("rows_done", relation="p3") == (15,)


def test_a_partition_that_is_created_meanwhile_is_kept_in_step_and_noted(start: Callable[[str], Filling]) -> None:
    filling = start(PARTED + rows(60))
    create = "CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (61) TO (91);" + rows(5, first=61)
    filling.fill(after_batch=lambda number: filling.sql(create) if number == 1 else None)
    assert filling.pending() == 0
    assert filling.progress("finished_at IS NOT NULL", relation="p3") == (True,)


@pytest.mark.parametrize("dropped", ["p1", "p2_b"])
def test_a_partition_that_is_dropped_meanwhile_is_let_go(start: Callable[[str], Filling], dropped: str) -> None:
    filling = start(PARTED + rows(60))
    filling.fill(batch_rows=3, after_batch=lambda number: filling.sql(f"DROP TABLE {dropped}") if number == 1 else None)
    assert filling.pending() == 0
    if dropped == "p1":
        assert any("dropped meanwhile" in trouble for trouble in filling.troubles)
        assert filling.progress("finished_at IS NOT NULL", "rows_done", relation="p1") == (True, 3)
    else:
        assert filling.progress("finished_at IS NOT NULL", relation=dropped) in {None, (True,)}


def test_a_partition_that_is_detached_meanwhile_holds_up_nothing(start: Callable[[str], Filling]) -> None:
    filling = start(PARTED + rows(60))
    detach = "ALTER TABLE t DETACH PARTITION p1"
    filling.fill(batch_rows=3, after_batch=lambda number: filling.sql(detach) if number == 1 else None)
    assert filling.pending() == 0
    assert filling.sql("SELECT count(*) FROM t") == [(30,)]
    assert filling.sql("SELECT count(*) FROM p1 WHERE old IS NULL") == [(0,)]


def test_a_table_that_is_dropped_meanwhile_is_an_error(start: Callable[[str], Filling]) -> None:
    filling = start(PARTED + rows(60))
    with pytest.raises(Exception, match="does not exist") as failed:
        filling.fill(after_batch=lambda _: filling.sql("DROP TABLE t"))
    assert type(failed.value).__name__ == "StepFailed"


def stop_after(filling: Filling, batches: int) -> None:
    """Fill a part only."""
    with pytest.raises(WorkLeft):
        filling.fill(batch_rows=3, stop=lambda: "enough" if len(filling.sizes) >= batches else None)


def test_a_partition_that_is_dropped_while_the_backfill_is_stopped_does_not_stay_unfinished(
    start: Callable[[str], Filling],
) -> None:
    filling = start(PARTED + rows(60))
    stop_after(filling, 1)
    filling.sql("DROP TABLE p1")
    filling.fill()
    assert filling.pending() == 0
    unfinished = "SELECT relation FROM crossfade.backfills WHERE run_id = %s AND finished_at IS NULL"
    assert filling.sql(unfinished, [filling.run_id]) == []


def test_refused_rows_go_with_their_partition(start: Callable[[str], Filling]) -> None:
    filling = start(PARTED + rows(60) + "ALTER TABLE p1 ADD CONSTRAINT sound CHECK (id <> 7) NOT VALID;")
    with pytest.raises(RowsFailed):
        filling.fill()
    filling.sql("DROP TABLE p1")
    filling.fill()
    assert filling.pending() == 0


def test_a_partition_that_is_replaced_by_one_of_the_same_name_is_filled_too(start: Callable[[str], Filling]) -> None:
    filling = start(PARTED + rows(60))
    replaced = "DROP TABLE p1;" + NEXT.replace("p3", "p1")

    filling.fill(batch_rows=3, after_batch=lambda number: filling.sql(replaced) if number == 1 else None)
    assert filling.pending() == 0


@pytest.mark.long
@pytest.mark.every_server
def test_each_member_of_an_inheritance_tree_is_filled_by_itself(start: Callable[[str], Filling]) -> None:
    filling = start(
        "CREATE TABLE t (id int PRIMARY KEY, old text, other int DEFAULT 0); CREATE TABLE child () INHERITS (t);"
        + rows(20)
        + rows(15, first=21).replace("INTO t", "INTO child")
    )
    filling.fill()
    assert filling.pending() == 0
    assert [(name, written) for name, _, _, written in filling.batches() if written] == [
        ("child", 15),
        ("t", 10),
        ("t", 10),
    ]
