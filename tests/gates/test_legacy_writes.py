"""The gate `legacy_writes` on a server: what is noted of whom, and what silence is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.gates.legacy_writes import Observation, judge, observe
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.gates import LegacyWrites
from crossfade.postgres.connect import connect
from crossfade.postgres.server import EmbeddedServer
from crossfade.workflow import ledger

from ..fixtures.database import fresh_database
from .expanded import KEYED, PARTED, Expanded, expand

if TYPE_CHECKING:
    from collections.abc import Callable

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
OLD_WRITES = {
    "insert": "INSERT INTO t (id, old) VALUES (3, 'x')",
    "update": "UPDATE t SET old = 'x' WHERE id = 1",
    "update to null": "UPDATE t SET old = NULL WHERE id = 1",
    "upsert": "INSERT INTO t (id, old) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET old = excluded.old",
}
NEW_WRITES = {
    "insert": "INSERT INTO t (id, new) VALUES (3, 'x')",
    "insert without either": "INSERT INTO t (id) VALUES (4)",
    "update": "UPDATE t SET new = 'x' WHERE id = 1",
    "upsert": "INSERT INTO t (id, new) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET new = excluded.new",
    "update of another column": "UPDATE t SET other = 7",
    "update to the same": "UPDATE t SET old = old",
    "delete": "DELETE FROM t WHERE id = 1",
}


def observed(run: Expanded) -> Observation:
    return observe(run.connection, run.subject, LegacyWrites(), run.look())


def judged(run: Expanded) -> Judgement:
    return judge(observed(run), LegacyWrites())


def as_begun_now(run: Expanded) -> Expanded:
    """The same run, with the time of its beginning as the ledger has it now."""
    created_at = ledger.get_run(run.connection, run.subject.name).created_at
    return replace(run, subject=replace(run.subject, created_at=created_at))


def fill(run: Expanded) -> None:
    """Bring every row in step, as the backfill has done before these gates are asked."""
    run.connection.execute(f"UPDATE {run.schema}.t SET new = old".encode())


@pytest.mark.parametrize("write", OLD_WRITES)
def test_an_old_write_blocks_and_names_its_writer(start: Callable[..., Expanded], write: str) -> None:
    run = start(KEYED)
    fill(run)
    run.sql(OLD_WRITES[write])
    found = judged(run)
    assert found.verdict is BLOCKED
    assert found.reason.startswith(f"nightly-import (role {run.connection.info.user}) wrote {run.schema}.t.old ")
    assert found.reason.endswith("s ago; there has to be none for 10m")
    (writer,) = found.evidence["writers"]
    assert (writer["application_name"], writer["relation"], writer["column"], writer["noted"]) == (
        "nightly-import",
        f"{run.schema}.t",
        "old",
        1,
    )
    assert found.evidence["last_write"] == writer["last_at"]


def test_writes_that_do_not_use_the_old_shape_pass(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    fill(run)
    for name, write in NEW_WRITES.items():
        run.sql(write)
        found = judged(run)
        assert found.verdict is PASS, name
        assert found.evidence["writers"] == [], name
        assert found.reason.startswith("no write of the old shape noted since "), name


LASTING = {
    "a statement": "INSERT INTO t (id, old) SELECT 100 + g, 'x' FROM generate_series(1, 2) g, pg_sleep(0.6 * g) AS s",
    "a CALL that commits": "CALL lasting()",
}


@pytest.mark.long
@pytest.mark.parametrize("write", LASTING)
def test_a_write_that_lasts_is_as_late_as_its_last_row(start: Callable[..., Expanded], write: str) -> None:
    run = start(KEYED)
    run.sql(
        "CREATE PROCEDURE lasting() LANGUAGE plpgsql AS $$ BEGIN FOR g IN 1 .. 2 LOOP"
        " INSERT INTO t (id, old) VALUES (100 + g, 'x'); COMMIT; PERFORM pg_sleep(1.1); END LOOP; END $$"
    )
    ((begun,),) = run.sql("SELECT clock_timestamp()")
    run.sql(LASTING[write])
    (writer,) = judged(run).evidence["writers"]
    assert writer["noted"] == 2
    assert (datetime.fromisoformat(writer["last_at"]) - begun).total_seconds() > 1


def test_a_writer_without_a_name_is_named_by_role(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.app("", autocommit=True).execute("UPDATE t SET old = 'x'")
    assert judged(run).reason.startswith(f"(no application_name) (role {run.connection.info.user}) wrote ")


def test_a_write_that_is_older_than_the_hold_passes_and_says_since_when(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "hold: 1m")
    run.sql("UPDATE t SET old = 'x'")
    run.connection.execute(
        "UPDATE crossfade.legacy_writes SET at = at - interval '61 s' WHERE plan = %s", [run.subject.name]
    )
    run.connection.execute(
        "UPDATE crossfade.runs SET created_at = created_at - interval '1 h' WHERE id = %s", [run.subject.run_id]
    )
    earlier = as_begun_now(run)
    found = judged(earlier)
    assert found.verdict is PASS
    assert found.clear_since is not None
    assert found.clear_since.isoformat() == found.evidence["last_write"]


def test_notes_of_an_earlier_run_of_the_same_name_say_nothing(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("UPDATE t SET old = 'x'")
    run.connection.execute(
        "UPDATE crossfade.runs SET created_at = clock_timestamp() WHERE id = %s", [run.subject.run_id]
    )
    assert judged(as_begun_now(run)).verdict is PASS


def test_another_plans_old_writes_are_not_ours(start: Callable[..., Expanded]) -> None:
    run, another = start(KEYED), start(KEYED)
    another.sql("UPDATE t SET old = 'x'")
    assert judged(run).verdict is PASS
    assert judged(another).verdict is BLOCKED


def test_an_app_that_writes_the_tables_of_two_plans_is_seen_by_both(start: Callable[..., Expanded]) -> None:
    first, second = start(KEYED), start(KEYED)
    with first.app("api@1.4.0") as app:
        app.execute(f"UPDATE {first.schema}.t SET old = 'x'".encode())
        app.execute(f"UPDATE {second.schema}.t SET old = 'x'".encode())
    assert judged(first).verdict is BLOCKED
    assert judged(second).verdict is BLOCKED


@pytest.mark.every_server
@pytest.mark.parametrize("ddl", [KEYED, PARTED], ids=["plain", "partitions"])
def test_an_old_write_in_a_transaction_that_is_still_open_blocks(start: Callable[..., Expanded], ddl: str) -> None:
    run = start(ddl)
    app = run.app("api@1.4.0")
    app.execute("UPDATE t SET old = 'x'")
    found = judged(run)
    assert found.verdict is BLOCKED
    assert found.clear_since is None
    assert found.reason == (
        f"api@1.4.0 (role {run.connection.info.user}, pid {app.info.backend_pid}) wrote the old shape in a transaction "
        "that is still open"
    )
    assert [w["pid"] for w in found.evidence["open_transactions"]] == [app.info.backend_pid]
    app.rollback()
    assert judged(run).verdict is PASS


def test_an_open_transaction_that_wrote_the_new_shape_passes(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.app("api@2.0.0").execute("UPDATE t SET new = 'x'")
    assert judged(run).verdict is PASS


def test_an_open_transaction_that_reported_itself_and_wrote_the_new_shape_passes(
    start: Callable[..., Expanded],
) -> None:
    run = start(KEYED)
    app = run.app("api@2.0.0")
    app.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-a')")
    app.execute("UPDATE t SET new = 'x'")
    assert judged(run).verdict is PASS


def test_an_open_transaction_in_another_plans_table_passes(start: Callable[..., Expanded]) -> None:
    run, another = start(KEYED), start(KEYED)
    another.app("api@1.4.0").execute("UPDATE t SET old = 'x'")
    assert judged(run).verdict is PASS


def test_an_old_write_in_a_prepared_transaction_blocks() -> None:
    """On a server of its own, since the usual one keeps no prepared transactions."""
    with EmbeddedServer(settings={"max_prepared_transactions": 2}) as server, fresh_database(server) as database:
        with connect(database.url) as connection:
            ledger.install(connection)
        run = expand(database, "g", KEYED, "", "")
        app = run.app("api@1.4.0", autocommit=True)
        app.execute("BEGIN; UPDATE t SET old = 'x'; PREPARE TRANSACTION 'later'")
        try:
            found = judged(run)
            assert found.verdict is BLOCKED
            assert found.reason == "a prepared transaction wrote the old shape and is still open"
        finally:
            app.execute("ROLLBACK PREPARED 'later'")
        assert judged(run).verdict is PASS
        run.connection.close()


NOTES = """
INSERT INTO crossfade.legacy_writes (plan, kind, relation, column_name, application_name, role_name, at)
SELECT %s, kind, 'public.t', 'old', app, 'owner', clock_timestamp() - age::interval
FROM (VALUES ('legacy', 'a', '3 min'), ('legacy', 'a', '2 min'), ('legacy', 'a', '70 s'),
             ('legacy', 'b', '3 min'), ('legacy', 'b', '10 s'), ('legacy', 'b', '5 s'),
             ('conflict', 'a', '3 min'), ('conflict', 'a', '2 min')) AS note (kind, app, age)
"""
LEFT = [("conflict", "a", 2), ("legacy", "a", 1), ("legacy", "b", 2)]
"""The latest note of each writer, those of the last minute, and every conflict."""


@pytest.mark.parametrize("by", ["heartbeat", "evaluation"])
def test_older_notes_of_a_writer_who_was_noted_since_are_taken_away(start: Callable[..., Expanded], by: str) -> None:
    run = start(KEYED)
    run.sql(NOTES, [run.subject.name])
    if by == "heartbeat":
        # One in fifty of them does it.
        run.sql("SELECT count(crossfade.heartbeat('api', '2.0.0', 'pod-' || g)) FROM generate_series(1, 1000) g")
    else:
        run.evaluate()
    kept = run.sql(
        "SELECT kind, application_name, count(*) FROM crossfade.legacy_writes WHERE plan = %s"
        " GROUP BY kind, application_name ORDER BY kind, application_name",
        [run.subject.name],
    )
    assert kept == LEFT
    latest = "SELECT clock_timestamp() - max(at) < '75 s' FROM crossfade.legacy_writes WHERE application_name = 'a'"
    assert run.sql(latest + " AND kind = 'legacy' AND plan = %s", [run.subject.name]) == [(True,)]


def test_conflicts_are_counted_and_block_nothing(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("UPDATE t SET old = 'x', new = 'y'")
    run.sql("INSERT INTO t (id, old, new) VALUES (3, 'x', 'y')")
    found = judged(run)
    assert found.evidence["conflicts"] == 3
    assert found.verdict is PASS


def test_many_writers_are_named_the_latest_first_and_at_most_five(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    for number in range(7):
        with run.app(f"job-{number}") as app:
            app.execute("UPDATE t SET old = %s WHERE id = 1", [str(number)])
    found = judged(run)
    assert [w["application_name"] for w in found.evidence["writers"]] == [f"job-{n}" for n in range(6, -1, -1)]
    assert [n for n in range(7) if f"job-{n} " in found.reason] == [2, 3, 4, 5, 6]


def test_without_rows_to_change_nothing_is_watched_and_nothing_known(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    nothing = observe(run.connection, replace(run.subject, rows=()), LegacyWrites(), run.look())
    assert judge(nothing, LegacyWrites()).verdict is UNKNOWN


def test_a_role_that_may_not_read_the_notes_gets_an_error_and_no_pass(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("DROP ROLE IF EXISTS blind; CREATE ROLE blind LOGIN")
    url = run.database.server.url(run.database.name, user="blind")
    with connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        observe(connection, run.subject, LegacyWrites(), run.look())
