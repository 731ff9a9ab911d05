"""What passes by itself is tried again: locks of others, conflicts, time-outs, lost connections."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from crossfade.backfill import retry
from crossfade.errors import LockNotAcquired, StepFailed, WorkLeft

from .filling import COUNTED, KEYED, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from .filling import Filling

ONCE = """
CREATE SEQUENCE fired;
CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('{schema}.fired') <= {times} THEN {action}; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fail_once BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION {schema}.fail_once();
"""
EXACTLY_ONCE = dict.fromkeys(range(1, 31), 1)
TERMINATE = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'crossfade'"


def failing(action: str, times: int = 1) -> str:
    """A trigger of the table that does this at the first updates; a sequence does not forget what is rolled back."""
    return ONCE.replace("{action}", action).replace("{times}", str(times))


@pytest.mark.parametrize("lock", ["UPDATE t SET other = 1 WHERE id = 15", "SELECT FROM t WHERE id = 15 FOR UPDATE"])
def test_a_row_that_is_locked_is_waited_for_and_its_holder_named(start: Callable[[str], Filling], lock: str) -> None:
    filling = start(KEYED + rows(30) + COUNTED)
    holder = filling.other(application_name="nightly-report")
    holder.execute(lock.encode())
    filling.fill(on_trouble=lambda _: holder.rollback())
    (said,) = filling.troubles
    assert "attempt 1" in said
    assert "lock timeout" in said
    assert "nightly-report" in said
    assert f"pid {holder.info.backend_pid}" in said
    assert filling.updates() == EXACTLY_ONCE


def test_nothing_is_held_while_a_lock_is_waited_for(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(30))
    holder = filling.other()
    holder.execute("UPDATE t SET other = 1 WHERE id = 5")

    def write_others(_message: str) -> None:
        filling.sql("SET lock_timeout = '100ms'; UPDATE t SET other = 2 WHERE id <> 5")
        holder.rollback()

    filling.fill(on_trouble=write_others)
    assert filling.sql("SELECT count(*) FROM t WHERE other = 2") == [(29,)]


def test_a_row_that_stays_locked_ends_it_with_the_holders_name(
    start: Callable[[str], Filling], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "PATIENCE_SECONDS", 0.0)
    filling = start(KEYED + rows(30))
    holder = filling.other(application_name="forgotten psql")
    holder.execute("SELECT FROM t WHERE id = 15 FOR UPDATE")
    with pytest.raises(LockNotAcquired) as ended:
        filling.fill()
    assert ended.value.exit_code == 6
    assert "forgotten psql" in ended.value.message
    assert str(filling.table) in ended.value.message
    assert filling.batches() == [("t", None, ["10"], 10)]


def test_a_backfill_that_waits_for_a_lock_stops_when_asked_to(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(30))
    filling.other().execute("SELECT FROM t WHERE id = 5 FOR UPDATE")
    with pytest.raises(WorkLeft, match="Ctrl-C"):
        filling.fill(stop=lambda: "Ctrl-C" if filling.troubles else None)
    assert filling.batches() == []


@pytest.mark.parametrize("condition", ["deadlock_detected", "serialization_failure", "lock_not_available"])
def test_what_passes_by_itself_is_tried_again_and_each_row_written_once(
    start: Callable[[str], Filling], condition: str
) -> None:
    filling = start(KEYED + rows(30) + failing(f"RAISE {condition}", 2) + COUNTED)
    filling.fill()
    # The second failure is that of the next batch, which is turned to while the first one is left alone.
    assert [trouble.split(":")[0] for trouble in filling.troubles] == ["attempt 1", "attempt 1"]
    assert condition in filling.troubles[0]
    assert filling.updates() == EXACTLY_ONCE
    assert filling.rejected() == {}


@pytest.mark.parametrize(("target", "timeout"), [("10ms", "2s"), ("1m", "4min")])
def test_a_batch_waits_for_locks_briefly_and_runs_for_a_few_times_its_target(
    start: Callable[[str], Filling], target: str, timeout: str
) -> None:
    note = (
        "INSERT INTO {schema}.settings SELECT nextval('{schema}.fired'), current_setting('lock_timeout'),"
        " current_setting('statement_timeout')"
    )
    filling = start("CREATE TABLE settings (n int, lock text, statement text);" + KEYED + rows(1) + failing(note, 9))
    filling.fill(target=target)
    assert filling.sql("SELECT lock, statement FROM settings") == [("200ms", timeout)]


def test_a_conflict_that_comes_again_and_again_is_an_error(
    start: Callable[[str], Filling], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "ATTEMPTS", 3)
    filling = start(KEYED + rows(30) + failing("RAISE serialization_failure", 99))
    with pytest.raises(StepFailed) as failed:
        filling.fill()
    assert failed.value.sqlstate == "40001"
    assert "attempt 2" in filling.troubles[-1]
    assert filling.batches() == []


def test_a_real_deadlock_ends_with_every_row_written_once(start: Callable[[str], Filling]) -> None:
    """Whoever is the victim, and whether a lock_timeout of ours comes first: nothing is lost."""
    filling = start(KEYED + rows(30) + COUNTED)
    rival = filling.other(autocommit=True)
    waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"

    def cross() -> None:
        with rival.transaction():
            rival.execute("UPDATE t SET old = 'rival' WHERE id = 9")
            ready.set()
            while rival.execute(waits).fetchone() != (True,):
                pass
            rival.execute("UPDATE t SET old = 'rival' WHERE id = 1")

    ready = threading.Event()
    rival.execute("SET deadlock_timeout = '10s'")
    crossing = threading.Thread(target=cross)
    crossing.start()
    assert ready.wait(10)
    filling.fill()
    crossing.join()
    assert filling.troubles
    assert filling.pending() == 0
    assert filling.sql("SELECT id FROM t WHERE new = 'rival' ORDER BY id") == [(1,), (9,)]
    assert set(filling.updates().values()) == {1}


@pytest.mark.long
def test_a_statement_that_takes_too_long_is_tried_again_with_a_quarter_of_the_rows(
    start: Callable[[str], Filling],
) -> None:
    filling = start(KEYED + rows(30) + failing("PERFORM pg_sleep(30)") + COUNTED)
    filling.fill(batch_rows=20, target="10ms")
    assert "statement timeout" in filling.troubles[0]
    assert filling.sizes[0] == 5
    assert filling.updates() == EXACTLY_ONCE


def test_a_connection_that_is_terminated_between_two_batches_is_made_anew(start: Callable[[str], Filling]) -> None:
    filling = start(KEYED + rows(30) + COUNTED)
    with filling.database.connect(autocommit=True) as admin:
        filling.connection.execute("SET application_name = 'the test'")
        filling.fill(after_batch=lambda number: admin.execute(TERMINATE) if number == 1 else None)
    assert len(filling.troubles) == 1
    assert filling.updates() == EXACTLY_ONCE
    assert filling.sizes == [10, 20]


def test_a_connection_that_is_terminated_within_a_batch_is_made_anew_and_the_batch_done_once(
    start: Callable[[str], Filling],
) -> None:
    filling = start(KEYED + rows(30) + failing("PERFORM pg_terminate_backend(pg_backend_pid())") + COUNTED)
    filling.fill()
    assert "terminating connection" in filling.troubles[0]
    assert filling.updates() == EXACTLY_ONCE
    assert [written for _, _, _, written in filling.batches()] == [10, 20]


def test_a_session_that_the_server_ended_for_being_idle_is_made_anew(start: Callable[[str], Filling]) -> None:
    """A window, a replica or a vacuum can make us wait for longer than the server lets a session be idle."""
    filling = start(KEYED + rows(30) + COUNTED)
    database = filling.database
    url = database.server.url(database.name, options="-c idle_session_timeout=50ms")
    idle = threading.Event()
    filling.fill(after_batch=lambda number: idle.wait(0.15) if number == 1 else None, url=url)
    assert filling.updates() == EXACTLY_ONCE
