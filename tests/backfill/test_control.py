"""Steering while batches run: what makes them wait, go on, hurry, rest or stop, and that nothing is lost by it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.backfill import control
from crossfade.backfill.retry import Passing
from crossfade.backfill.troubles import Troubles
from crossfade.errors import StepFailed, WorkLeft, WrongState
from crossfade.observe.events import BatchDone, Throttled

from .filling import COUNTED, KEYED, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from .filling import Filling

EACH_ONCE = dict.fromkeys(range(1, 101), 1)
SLOW = """
CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep({seconds}); RETURN NEW; END $$;
CREATE TRIGGER take_time BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION {schema}.take_time();
"""


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LOOK_SECONDS", 0.05)


def slow(seconds: float) -> str:
    """A trigger of the table that takes so long for each updated row."""
    return SLOW.replace("{seconds}", str(seconds))


def reasons(filling: Filling) -> list[str | None]:
    """Why batches waited, and None for each time they went on."""
    return [e.reason for e in filling.emitted if isinstance(e, Throttled)]


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something that another thread brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def beside(work: Callable[[], object]) -> threading.Thread:
    """Do something beside the backfill."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_several_workers_share_the_batches_and_do_each_row_once(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(400) + COUNTED)
    filling.fill(batch_rows=5, workers=4)
    assert filling.updates() == dict.fromkeys(range(1, 401), 1)
    assert filling.progress("rows_done", "rows_written", "finished_at IS NOT NULL") == (400, 400, True)


def test_a_helper_without_the_lease_does_batches_of_the_same_run(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(400) + COUNTED + slow(0.001))
    helper: list[threading.Thread] = []

    def call_for_help(number: int) -> None:
        if number == 1:
            helper.append(beside(filling.help))

    filling.fill(batch_rows=5, max_rows=10, after_batch=call_for_help)
    helper[0].join(30)
    assert filling.updates() == dict.fromkeys(range(1, 401), 1)
    by = dict(
        filling.sql(
            "SELECT worker, sum(rows)::int FROM crossfade.batches WHERE run_id = %s AND state = 'done' GROUP BY 1",
            [filling.run_id],
        )
    )
    assert set(by) == {"the test worker-0", "a helper worker-0"}
    assert sum(by.values()) == 400


def test_a_helper_finds_nothing_to_do_in_a_run_that_nobody_has_begun(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(10))
    filling.help()
    assert filling.pending() == 10


def test_more_workers_come_while_it_runs_and_too_many_go_home(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(300) + COUNTED + slow(0.002))
    seen: list[int] = []

    def tune(number: int) -> None:
        names = {t.name for t in threading.enumerate() if t.name.startswith("crossfade-worker")}
        seen.append(len(names))
        if number == 2:
            filling.tune(workers=3)
        elif number == 25:
            filling.tune(workers=1)

    filling.fill(batch_rows=5, max_rows=5, min_rows=1, after_batch=tune)
    assert (seen[0], max(seen), seen[-1]) == (1, 3, 1)
    assert filling.updates() == dict.fromkeys(range(1, 301), 1)


def test_a_run_that_is_paused_stops_before_the_next_batch(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(100) + COUNTED)
    pause = "UPDATE crossfade.runs SET paused = 'lunch' WHERE id = %s"
    with pytest.raises(WorkLeft, match="paused: lunch"):
        filling.fill(after_batch=lambda number: filling.sql(pause, [filling.run_id]) if number == 2 else None)
    assert len(filling.sizes) == 2
    filling.sql("UPDATE crossfade.runs SET paused = NULL WHERE id = %s", [filling.run_id])
    filling.fill()
    assert filling.updates() == EACH_ONCE


def test_a_run_that_is_turned_back_meanwhile_does_no_other_batch(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(100))
    back = "UPDATE crossfade.runs SET state = 'rolling_back' WHERE id = %s"
    with pytest.raises(WrongState, match="it is rolling_back by now"):
        filling.fill(after_batch=lambda number: filling.sql(back, [filling.run_id]) if number == 1 else None)
    assert len(filling.sizes) == 1


def test_the_brake_holds_the_batches_with_its_reason_until_it_is_released(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(100) + COUNTED)

    def on(number: int) -> None:
        if number == 2:
            filling.sql("UPDATE crossfade.brake SET is_on = true, reason = 'the disk is nearly full', actor = 'me'")
            until(lambda: filling.progress("throttled_by") != (None,))
            said.append(str(filling.progress("throttled_by")))
            beside(release)

    def release() -> None:
        until(lambda: reasons(filling))
        with filling.other(autocommit=True) as other:
            other.execute("UPDATE crossfade.brake SET is_on = false")

    said: list[str] = []
    begun = time.monotonic()
    filling.fill(after_batch=on)
    took = time.monotonic() - begun
    assert "the disk is nearly full" in said[0]
    assert [reason is None for reason in reasons(filling)] == [False, True]
    assert filling.updates() == EACH_ONCE
    assert filling.progress("throttled_by", f"throttled_seconds BETWEEN 0.001 AND {took}") == (None, True)
    kinds = "SELECT kind FROM crossfade.events WHERE run_id = %s AND kind ~ 'throttled' ORDER BY id"
    assert filling.sql(kinds, [filling.run_id]) == [("throttled",), ("unthrottled",)]


def test_a_reason_from_before_the_first_batch_is_shown_and_in_the_history(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(20))
    filling.sql("UPDATE crossfade.brake SET is_on = true, reason = 'not yet', actor = 'me'")

    def release() -> None:
        until(lambda: filling.progress("throttled_by") not in (None, (None,)))
        with filling.other(autocommit=True) as other:
            other.execute("UPDATE crossfade.brake SET is_on = false")

    releasing = beside(release)
    begun = time.monotonic()
    filling.fill()
    took = time.monotonic() - begun
    releasing.join()
    kinds = "SELECT kind FROM crossfade.events WHERE run_id = %s AND kind ~ 'throttled' ORDER BY id"
    assert filling.sql(kinds, [filling.run_id]) == [("throttled",), ("unthrottled",)]
    assert filling.progress(f"throttled_seconds <= {took}") == (True,)


@pytest.mark.long
def test_a_batch_that_somebody_has_waited_for_too_long_is_given_up_and_done_later(
    start: Callable[..., Filling],
) -> None:
    filling = start(KEYED + rows(100) + COUNTED + slow(0.05))
    waited: list[float] = []

    def want_the_row() -> None:
        with filling.other(autocommit=True) as other:
            at_work = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'UPDATE ONLY%' AND state = 'active'"
            until(lambda: filling.sql(at_work))
            begun = time.monotonic()
            other.execute("SELECT FROM t WHERE id = 1 FOR UPDATE")
            waited.append(time.monotonic() - begun)

    other = beside(want_the_row)
    filling.fill(batch_rows=100, max_blocked="100ms")
    other.join()
    # The whole batch would have taken five seconds.
    assert "canceling statement due to user request" in filling.troubles[0]
    assert any("has waited" in (reason or "") for reason in reasons(filling))
    assert filling.sizes[0] == 25
    assert filling.updates() == EACH_ONCE


def test_a_sensor_that_fails_holds_the_batches_and_says_so(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(20))
    with pytest.raises(WorkLeft):
        filling.fill(
            throttle_sql="SELECT 1 / 0",
            stop=lambda: "seen" if filling.progress("throttled_by") not in (None, (None,)) else None,
            after_batch=lambda _: pytest.fail("no batch may run"),
        )


def test_a_window_that_is_closed_stops_it_and_says_when_it_opens(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(20))
    ((hour,),) = filling.sql("SELECT date_part('hour', now() AT TIME ZONE 'UTC')::int")
    closed = f"{(hour + 3) % 24:02}:00-{(hour + 5) % 24:02}:00 UTC"
    with pytest.raises(WorkLeft, match=f"outside the window {closed} until") as left:
        filling.fill(window=closed)
    assert left.value.exit_code == 7
    assert filling.pending() == 20
    filling.fill(window=f"{(hour - 2) % 24:02}:00-{(hour + 5) % 24:02}:00 UTC")
    assert filling.pending() == 0


def test_no_batch_begins_that_would_not_end_before_the_window_does(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(20))
    ((hour,),) = filling.sql("SELECT date_part('hour', now() AT TIME ZONE 'UTC')::int")
    window = f"{(hour - 2) % 24:02}:00-{(hour + 3) % 24:02}:00 UTC"
    with filling.control(window=window) as steering:
        assert steering.reason_to_stop() is None
        for _ in range(9):
            steering.took(0.1)
        assert steering.reason_to_stop() is None, "there is time enough"
        steering.took(4 * 3600)
        reason = steering.reason_to_stop()
    assert reason is not None
    assert reason.startswith("a batch takes up to 14400.0 s, and the window closes at ")


def test_a_statement_is_given_no_longer_than_the_window_is_open(start: Callable[..., Filling]) -> None:
    filling = start(KEYED)
    ((ends,),) = filling.sql("SELECT date_trunc('minute', now() AT TIME ZONE 'UTC') + interval '1 minute'")
    with filling.control(target="1m", deadline=f"{ends:%Y-%m-%dT%H:%M}Z") as steering:
        assert steering.patience() <= 60
    with filling.control(target="1m") as steering:
        assert steering.patience() == 240


def test_no_more_rows_a_second_are_done_than_the_limit_over_all_workers(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(100))
    begun = time.monotonic()
    filling.fill(batch_rows=10, max_rows=10, workers=3, rows_per_second=100)
    # The last three batches need not be waited for.
    assert time.monotonic() - begun > 0.6
    assert filling.pending() == 0


def test_it_rests_as_long_as_nice_says_after_each_batch(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(10) + slow(0.02))
    at: list[float] = []
    filling.fill(batch_rows=5, max_rows=5, min_rows=1, nice=3, after_batch=lambda _: at.append(time.monotonic()))
    lengths = [e.duration_ms / 1000 for e in filling.emitted if isinstance(e, BatchDone)]
    assert at[1] - at[0] >= 3 * lengths[0]


def test_what_is_tuned_while_it_runs_holds_from_then_on(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(200) + slow(0.001))

    def tune(number: int) -> None:
        if number == 1:
            filling.tune(max_rows=3, min_rows=1)
            time.sleep(0.3)

    filling.fill(batch_rows=10, after_batch=tune)
    assert max(filling.sizes[3:]) <= 3


def test_a_full_disk_holds_the_batches_and_nothing_ends(
    start: Callable[..., Filling], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tenacity import wait_fixed

    from crossfade.backfill import retry

    monkeypatch.setitem(retry._WAITS, retry.Passing.DISK, wait_fixed(0.3))  # noqa: SLF001
    full = (
        "CREATE SEQUENCE tries; CREATE FUNCTION fill_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('{schema}.tries') <= 2 THEN RAISE 'no space left' USING ERRCODE = '53100'; END IF; RETURN NEW;"
        " END $$; CREATE TRIGGER fill_up BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION {schema}.fill_up();"
    )
    filling = start(KEYED + rows(30) + full + COUNTED)
    filling.fill()
    assert "no space left" in filling.troubles[0]
    assert any("disk is full" in (reason or "") for reason in reasons(filling))
    assert filling.updates() == dict.fromkeys(range(1, 31), 1)


def test_two_deadlocks_of_a_batch_are_outlived(start: Callable[..., Filling]) -> None:
    filling = start(
        KEYED + rows(30) + "CREATE SEQUENCE tries; CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.id <= 10 AND nextval('{schema}.tries') <= 2 THEN RAISE deadlock_detected; END IF; RETURN NEW; END $$;"
        "CREATE TRIGGER clash BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION {schema}.clash();" + COUNTED
    )
    filling.fill()
    assert len(filling.troubles) == 2
    assert filling.updates() == dict.fromkeys(range(1, 31), 1)


def test_after_two_deadlocks_rows_are_locked_in_order_and_after_three_failures_fewer_are_taken() -> None:
    troubles = Troubles()
    for number in (1, 2, 3):
        trouble = troubles.failed(7, Passing.CONFLICT, psycopg.errors.DeadlockDetected())
        assert trouble.locks_first is (number >= 2)
        assert trouble.wants_less(Passing.CONFLICT) is (number >= 3)
    assert troubles.avoided() == (7,)
    troubles.done(7)
    assert troubles.avoided() == ()


def test_a_run_that_waits_for_the_brake_notices_that_it_is_paused(start: Callable[..., Filling]) -> None:
    filling = start(KEYED + rows(100))

    def pause() -> None:
        until(lambda: reasons(filling))
        with filling.other(autocommit=True) as other:
            other.execute("UPDATE crossfade.runs SET paused = 'lunch' WHERE id = %s", [filling.run_id])

    filling.sql("UPDATE crossfade.brake SET is_on = true, reason = 'maintenance', actor = 'me'")
    beside(pause)
    try:
        with pytest.raises(WorkLeft, match="paused: lunch"):
            filling.fill()
    finally:
        filling.sql("UPDATE crossfade.brake SET is_on = false, reason = NULL")
    assert filling.pending() == 100
    assert filling.progress("throttled_by", "throttled_since") in (None, (None, None))


def test_a_worker_that_fails_ends_the_others_that_wait(start: Callable[..., Filling]) -> None:
    """One has a batch that fails for good; the other rests for minutes, by the limit of rows."""
    filling = start(
        KEYED + rows(100) + "CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id > 50 THEN"
        " PERFORM pg_sleep(0.3); PERFORM nothing(); END IF; RETURN NEW; END $$;"
        "CREATE TRIGGER boom BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION {schema}.boom();"
    )
    with pytest.raises(StepFailed, match="nothing"):
        filling.fill(batch_rows=50, workers=2, rows_per_second=1)
