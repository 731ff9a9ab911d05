"""A backfill from beginning to end: every pending row once, and everything about it in the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from crossfade.errors import LostLease, StepFailed, WorkLeft
from crossfade.observe.events import BatchDone

from .filling import COUNTED, KEYED, UNKEYED, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from .filling import Filling

SHAPES = {
    "a primary key": KEYED,
    "no key": UNKEYED,
    "a key of two columns": "CREATE TABLE t (id int, old text, other int DEFAULT 0, PRIMARY KEY (other, id));",
    "a descending index": UNKEYED.replace("id int", "id int NOT NULL") + "CREATE UNIQUE INDEX ON t (id DESC);",
    "a key of text": (
        "CREATE TABLE t (id int, old text, other int, k text PRIMARY KEY GENERATED ALWAYS AS ('k' || id) STORED);"
    ),
}


@pytest.mark.every_server
@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_is_filled_and_updated_once(start: Callable[[str], Filling], shape: str) -> None:
    filling = start(SHAPES[shape] + rows(95) + COUNTED)
    filling.fill()
    assert filling.pending() == 0
    assert filling.sql("SELECT count(*) FROM t WHERE new = 'v' || id") == [(95,)]
    assert filling.updates() == dict.fromkeys(range(1, 96), 1)
    filling.fill()
    assert filling.updates().total() == 95


def test_rows_that_are_in_step_already_are_not_written(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(50) + "UPDATE t SET old = NULL WHERE id % 5 = 0;" + COUNTED)
    filling.sql("UPDATE t SET other = 1 WHERE id <= 20")
    filling.sql("DELETE FROM updates")
    filling.fill()
    assert filling.updates() == {n: 1 for n in range(21, 51) if n % 5}
    assert filling.progress("rows_done", "rows_estimated") == (50, 50)


def test_each_batch_begins_where_the_one_before_ended(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(100))
    filling.fill(batch_rows=10)
    batches = filling.batches()
    assert [(after, upto, written) for _, after, upto, written in batches] == [
        (None, ["10"], 10),
        (["10"], ["30"], 20),
        (["30"], ["70"], 40),
        (["70"], ["100"], 30),
    ]
    assert filling.sizes == [10, 20, 40, 30]
    assert filling.progress("frontier", "upper", "rows_done", "rows_estimated", "batches", "pass") == (
        ["100"],
        ["100"],
        100,
        100,
        4,
        1,
    )
    assert filling.progress("finished_at IS NOT NULL", "key_columns", "key_types") == (True, ["id"], ["integer"])
    # What the pace was judged by is kept for the next runner.
    assert filling.progress("smoothed_rows") == (((10 * 0.75 + 20) * 0.75 + 40) * 0.75 + 30,)


def test_what_is_said_of_a_batch_is_what_the_ledger_holds(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(30))
    filling.fill(batch_rows=10)
    first, second = (e for e in filling.emitted if isinstance(e, BatchDone))
    assert (first.run, first.relation, first.change) == (filling.run, str(filling.table), filling.change.id)
    assert (first.rows, first.rows_done, first.rows_estimated, first.batch_rows) == (10, 10, 30, 20)
    assert (second.rows, second.rows_done) == (20, 30)
    assert first.duration_ms > 0


def test_an_empty_table_is_done_at_once_and_later_rows_are_the_triggers_work(
    start: Callable[[str], Filling],
) -> None:
    for ddl in (KEYED, UNKEYED):
        filling = start(ddl)
        filling.fill()
        assert filling.batches() == []
        assert filling.progress("rows_done", "rows_estimated", "finished_at IS NOT NULL") == (0, 0, True)
        filling.sql(rows(3))
        assert filling.pending() == 0


def test_a_table_of_one_row_takes_one_batch(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(1))
    filling.fill(batch_rows=1000)
    assert filling.batches() == [("t", None, ["1"], 1)]
    assert filling.pending() == 0


def test_gaps_in_the_key_cost_no_batches(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + "INSERT INTO t SELECT g * 40000000, 'v' FROM generate_series(-20, 20) g;" + COUNTED)
    filling.fill(batch_rows=20)
    assert filling.sizes == [20, 21]
    assert filling.updates().total() == 41


def test_rows_that_are_inserted_behind_and_ahead_meanwhile_are_in_step(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(40, first=101) + COUNTED)

    def insert(number: int) -> None:
        filling.sql(f"INSERT INTO t (id, old) VALUES ({number}, 'behind'), ({120 + 100 * number}, 'ahead')")
        filling.sql(f"INSERT INTO t (id, new) VALUES ({50 + number}, 'by the new name')")

    filling.fill(batch_rows=10, after_batch=insert)
    assert filling.pending() == 0
    assert set(filling.updates().values()) == {1}
    assert set(filling.updates()) == set(range(101, 141))
    assert filling.sql("SELECT DISTINCT old, new FROM t WHERE id = 51") == [("by the new name", "by the new name")]


def test_rows_that_are_written_meanwhile_keep_what_was_written(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(40))

    def write(number: int) -> None:
        if number == 1:
            filling.sql("UPDATE t SET old = 'by the old name' WHERE id IN (5, 35)")
            filling.sql("UPDATE t SET new = 'by the new name' WHERE id IN (6, 36)")
            filling.sql("UPDATE t SET id = id - 100 WHERE id IN (7, 37)")

    filling.fill(batch_rows=10, after_batch=write)
    assert filling.pending() == 0
    assert filling.sql("SELECT id FROM t WHERE new = 'by the old name' ORDER BY id") == [(5,), (35,)]
    assert filling.sql("SELECT id FROM t WHERE old = 'by the new name' ORDER BY id") == [(6,), (36,)]
    assert filling.sql("SELECT new FROM t WHERE id = -63") == [("v37",)]


def test_rows_that_are_deleted_meanwhile_are_missed_by_nobody(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(60))
    filling.fill(batch_rows=10, after_batch=lambda n: filling.sql(f"DELETE FROM t WHERE id > {max(10, 50 - 20 * n)}"))
    assert filling.pending() == 0
    assert filling.progress("finished_at IS NOT NULL", "rows_done = rows_estimated") == (True, True)
    assert filling.sql("SELECT count(*) FROM t") == [(10,)]


@pytest.mark.parametrize("ddl", [KEYED, UNKEYED], ids=["keyed", "unkeyed"])
def test_a_table_that_is_emptied_meanwhile_is_done(start: Callable[[str], Filling], ddl: str) -> None:
    filling = start(ddl + rows(2000))
    filling.fill(batch_rows=10, after_batch=lambda _: filling.sql("TRUNCATE t"))
    assert filling.progress("finished_at IS NOT NULL") == (True,)


def test_a_backfill_stops_between_two_batches_and_goes_on_where_it_was(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(100) + COUNTED)
    with pytest.raises(WorkLeft) as stopped:
        filling.fill(batch_rows=10, stop=lambda: "the window is closed" if filling.sizes else None)
    assert stopped.value.exit_code == 7
    assert "the window is closed" in stopped.value.message
    assert str(filling.table) in stopped.value.message
    assert filling.run in (stopped.value.hint or "")
    assert filling.pending() == 90
    filling.fill(batch_rows=10)
    assert filling.updates() == dict.fromkeys(range(1, 101), 1)
    # The pace goes on as well: the second batch is the double one.
    assert filling.sizes == [10, 20, 40, 30]


def test_a_run_that_is_paused_stops_at_the_next_batch(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(100))
    pause = "UPDATE crossfade.runs SET paused = 'release freeze' WHERE id = %s"
    with pytest.raises(WorkLeft, match="paused: release freeze") as stopped:
        filling.fill(batch_rows=10, after_batch=lambda _: filling.sql(pause, [filling.run_id]))
    assert "crossfade resume" in (stopped.value.hint or "")
    assert filling.pending() == 90


def test_a_runner_that_was_replaced_changes_nothing_more(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(100) + COUNTED)
    take = "UPDATE crossfade.runs SET token = token + 1 WHERE id = %s"
    with pytest.raises(LostLease):
        filling.fill(batch_rows=10, after_batch=lambda _: filling.sql(take, [filling.run_id]))
    assert filling.updates().total() == 10
    with pytest.raises(LostLease):
        filling.fill()
    assert filling.updates().total() == 10
    filling.token = 1
    filling.fill()
    assert filling.updates() == dict.fromkeys(range(1, 101), 1)


def test_a_statement_that_can_never_work_fails_with_the_servers_words(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(30))
    filling.change = replace(filling.renaming, assignment='"new" = nothing(old)')
    with pytest.raises(StepFailed) as failed:
        filling.fill()
    assert failed.value.sqlstate == "42883"
    assert "nothing(text) does not exist" in failed.value.message
    assert str(filling.table) in failed.value.message
    assert filling.batches() == []
    assert filling.rejected() == {}


def test_rows_behind_a_policy_are_an_error_and_not_skipped(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(30))
    filling.sql("CREATE ROLE policed LOGIN; GRANT USAGE ON SCHEMA crossfade TO policed")
    filling.sql("GRANT ALL ON ALL TABLES IN SCHEMA crossfade TO policed; GRANT pg_read_all_data TO policed")
    filling.sql(f"GRANT ALL ON t TO policed; GRANT USAGE ON SCHEMA {filling.schema} TO policed")
    filling.sql("ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON t USING (id < 5)")
    with pytest.raises(StepFailed) as failed:
        filling.fill(url=filling.database.server.url(filling.database.name, user="policed"))
    assert failed.value.sqlstate == "42501"
    assert filling.batches() == []
