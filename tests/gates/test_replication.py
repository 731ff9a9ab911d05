"""The gate `replication`: who lags, what a person has to take note of, and which word covers what."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crossfade.gates.acknowledgement import Shown
from crossfade.gates.approval import Word, give, withdraw
from crossfade.gates.replication import Observation, Slot, Standby, in_words, judge, observe
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import Replication
from crossfade.plan.gates.people import EXPIRES
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger

from ..fixtures.database import fresh_database
from ..fixtures.owner import eventually
from ..fixtures.replica import replica
from .expanded import KEYED, PARTED, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ..fixtures.servers import Server
    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MB = 1024**2
ENTRY = Replication()
STANDBY = Standby(name="standby_1", state="streaming", lag=timedelta(seconds=1), behind=1000)
LOGICAL = Slot(name="cdc", is_logical=True, active=True, is_lost=False, behind=1000)
PHYSICAL = Slot(name="standby_2", is_logical=False, active=False, is_lost=False, behind=None)
NEW = Shown(name="publication all_of_it", since=NOW)
KNOWN = Shown(name="slot cdc", since=NOW, acknowledged_by="ada", acknowledged_at=NOW)
NOTHING = Observation(run="rename", phase=Phase.EXPAND)


@pytest.mark.parametrize(
    ("standby", "verdict"),
    [
        (STANDBY, PASS),
        (replace(STANDBY, lag=None), PASS),
        (replace(STANDBY, lag=timedelta(seconds=30)), PASS),
        (replace(STANDBY, lag=timedelta(seconds=31)), BLOCKED),
        # The server keeps the lag that it measured last; this one has replayed everything.
        (replace(STANDBY, lag=timedelta(hours=1), behind=0), PASS),
        (replace(STANDBY, behind=64 * MB), PASS),
        (replace(STANDBY, behind=64 * MB + 1), BLOCKED),
        (replace(STANDBY, state="catchup"), BLOCKED),
        (replace(STANDBY, state="startup", lag=None, behind=None), BLOCKED),
        (replace(STANDBY, lag=None, behind=None), UNKNOWN),
        (replace(STANDBY, state=None, lag=None, behind=None), UNKNOWN),
    ],
)
def test_a_standby_that_lags_blocks_and_one_that_is_hidden_is_no_proof(standby: Standby, verdict: Verdict) -> None:
    assert judge(replace(NOTHING, standbys=(standby,)), ENTRY).verdict is verdict
    assert judge(replace(NOTHING, standbys=(STANDBY, standby)), ENTRY).verdict is verdict


@pytest.mark.parametrize(
    ("slot", "verdict"),
    [
        (LOGICAL, PASS),
        (replace(LOGICAL, active=False), PASS),
        (replace(LOGICAL, behind=64 * MB), PASS),
        (replace(LOGICAL, behind=64 * MB + 1), BLOCKED),
        (replace(LOGICAL, behind=64 * MB + 1, active=False), BLOCKED),
        (replace(LOGICAL, behind=None), UNKNOWN),
        (replace(LOGICAL, behind=None, active=False, is_lost=True), PASS),
        (PHYSICAL, PASS),
    ],
)
def test_a_slot_that_is_far_behind_blocks(slot: Slot, verdict: Verdict) -> None:
    known = (KNOWN,) if slot.is_logical else ()
    assert judge(replace(NOTHING, slots=(slot,), logical=known), ENTRY).verdict is verdict


@pytest.mark.parametrize(
    ("logical", "verdict"),
    [([], PASS), ([KNOWN], PASS), ([NEW], BLOCKED), ([KNOWN, NEW], BLOCKED), ([replace(NEW, since=None)], BLOCKED)],
)
def test_what_nobody_has_taken_note_of_blocks(logical: list[Shown], verdict: Verdict) -> None:
    assert judge(replace(NOTHING, logical=tuple(logical)), ENTRY).verdict is verdict
    # What blocks is named although something else cannot be seen.
    hidden = replace(NOTHING, logical=tuple(logical), standbys=(replace(STANDBY, state=None),))
    assert judge(hidden, ENTRY).verdict is (BLOCKED if verdict is BLOCKED else UNKNOWN)


def test_the_reason_says_who_and_what_to_do() -> None:
    idle = replace(LOGICAL, active=False, behind=100 * MB)
    slot = replace(NEW, name="slot cdc")
    found = judge(replace(NOTHING, logical=(NEW, slot), slots=(idle,)), ENTRY)
    assert found.reason == (
        "slot cdc (inactive) has 100.0 MB of WAL to confirm, more than 64MB; publication all_of_it, slot cdc"
        " (inactive): a subscriber whose table lacks the new column stops when the first row arrives; take note of it"
        " with: crossfade approve rename --phase expand --as YOU --role replication"
    )
    late = replace(NOTHING, standbys=(replace(STANDBY, lag=timedelta(seconds=40)),))
    assert judge(late, ENTRY).reason == "standby standby_1 is 40.0 s behind, more than 30s"
    hidden = judge(replace(NOTHING, standbys=(replace(STANDBY, state=None),)), ENTRY)
    assert hidden.reason.startswith("the lag of 1 standby cannot be seen; run: GRANT pg_read_all_stats TO ")
    assert judge(replace(NOTHING, standbys=(STANDBY,), slots=(PHYSICAL,)), ENTRY).reason == (
        "no standby is more than 30s or 64MB behind; no publication sends the tables, and the database has no"
        " logical slot; nobody reads slot standby_2, which holds WAL back"
    )
    noted = judge(replace(NOTHING, logical=(KNOWN,), slots=(replace(LOGICAL, active=False),)), ENTRY)
    assert noted.reason == "ada has taken note of slot cdc (inactive) at 2026-03-01 12:00:00 UTC"
    many = judge(replace(NOTHING, logical=(NEW,) * 70), ENTRY)
    assert "and 65 more" in many.reason
    assert len(many.evidence["logical"]) == 50


def test_in_words_it_says_the_limits_and_who_takes_note() -> None:
    assert in_words(Replication.model_validate({"max_lag_bytes": "2MB", "acknowledged_by": "cdc-team"})) == (
        "no standby or slot is more than 30s or 2MB behind, and somebody as cdc-team has taken note of logical"
        " replication"
    )


@pytest.fixture
def start(start: Callable[..., Expanded]) -> Iterator[Callable[..., Expanded]]:
    """As everywhere; publications and slots, which are the whole database's, are dropped afterwards."""
    made: list[Expanded] = []

    def make(ddl: str, plan: str = "", *, change: str = "") -> Expanded:
        made.append(start(ddl, plan, change=change))
        return made[-1]

    yield make
    for run in made:
        for (name,) in run.sql("SELECT quote_ident(pubname) FROM pg_publication"):
            run.sql(f"DROP PUBLICATION {name}")
        run.sql(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
        )


def names(run: Expanded, phase: Phase = Phase.EXPAND) -> set[str]:
    return {s.name for s in observe(run.connection, run.subject, ENTRY, run.look(phase, record=False)).logical}


def looked(run: Expanded, phase: Phase = Phase.EXPAND, *, record: bool = True) -> Judgement:
    return judge(observe(run.connection, run.subject, ENTRY, run.look(phase, record=record)), ENTRY)


def take_note(run: Expanded, phase: Phase = Phase.EXPAND, role: str | None = "replication", who: str = "ada") -> None:
    give(run.connection, run.subject.run_id, Word(phase=phase, approver=who, role=role))


PUBLISHED = {
    "the table": ("FOR TABLE t", True),
    "all tables": ("FOR ALL TABLES", True),
    "its schema": ("FOR TABLES IN SCHEMA {s}", True),
    "some columns": ("FOR TABLE t (id, other)", False),
    "some rows": ("FOR TABLE t WHERE (id > 5)", True),
    "another table": ("FOR TABLE u", False),
}


@pytest.mark.every_server
@pytest.mark.parametrize("what", PUBLISHED)
def test_a_publication_that_sends_the_table_has_to_be_taken_note_of(start: Callable[..., Expanded], what: str) -> None:
    run = start(KEYED + "CREATE TABLE u (id int PRIMARY KEY);")
    if run.database.server.major < 15 and what in {"its schema", "some columns", "some rows"}:
        pytest.skip("PostgreSQL 14 has no such publications")
    clause, sends = PUBLISHED[what]
    run.sql(f"CREATE PUBLICATION p {clause.format(s=run.schema)}")
    assert names(run) == ({"publication p"} if sends else set())
    assert looked(run).verdict is (BLOCKED if sends else PASS)


@pytest.mark.every_server
def test_partitions_and_their_parents_count(start: Callable[..., Expanded]) -> None:
    run = start(PARTED)
    run.sql("CREATE PUBLICATION leaf FOR TABLE p1; CREATE PUBLICATION root FOR TABLE t")
    assert names(run) == {"publication leaf", "publication root"}


@pytest.mark.every_server
def test_a_list_that_has_the_old_column_counts_before_contract_only(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    if run.database.server.major < 15:
        pytest.skip("PostgreSQL 14 has no column lists")
    run.sql("CREATE PUBLICATION listed FOR TABLE t (id, old); CREATE PUBLICATION others FOR TABLE t (id, other)")
    assert names(run, Phase.EXPAND) == names(run, Phase.BACKFILL) == set()
    assert names(run, Phase.CONTRACT) == {"publication listed"}


@pytest.mark.every_server
def test_logical_slots_of_this_database_count_and_others_do_not(
    start: Callable[..., Expanded], database: object, server: Server
) -> None:
    run = start(KEYED)
    slot = f"cdc_{run.schema}_{run.subject.run_id}"
    with fresh_database(server) as other:
        other.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [f"other_{slot}"])
        assert names(run) == set()
    run.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
    assert names(run) == {f"slot {slot}"}
    found = looked(run)
    assert found.verdict is BLOCKED
    assert f"slot {slot} (inactive)" in found.reason
    # What it has not confirmed is told in bytes.
    mine = next(s for s in found.evidence["slots"] if s["name"] == slot)
    assert mine["behind_bytes"] >= 0


def test_a_physical_slot_that_nobody_reads_is_named(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        found = looked(run)
        assert found.verdict is PASS
        assert "nobody reads slot forgotten, which holds WAL back" in found.reason
    finally:
        run.sql("SELECT pg_drop_replication_slot('forgotten')")


def test_a_table_that_a_plan_names_without_a_schema_is_found_on_the_users_path(start: Callable[..., Expanded]) -> None:
    """Also where nothing is renamed, so that only the plan's changes name tables."""
    run = start(KEYED, change="  - update_rows: {table: {schema}.t, set: {old: upper(old)}}")
    assert run.subject.rows == ()
    run.sql("CREATE PUBLICATION p FOR TABLE t")
    assert names(run) == {"publication p"}
    (change,) = run.subject.plan.changes
    bare = change.model_copy(update={"table": replace(change.tables[0], schema=None)})
    subject = replace(run.subject, plan=run.subject.plan.model_copy(update={"changes": (bare,)}))
    look = run.look(Phase.EXPAND, record=False)
    assert observe(run.connection, subject, ENTRY, look).logical == ()
    run.connection.execute(
        f"ALTER ROLE CURRENT_USER IN DATABASE {run.database.name} SET search_path = {run.schema}".encode()
    )
    with connect(run.database.url) as there:
        assert [s.name for s in observe(there, subject, ENTRY, look).logical] == ["publication p"]
        assert there.execute("SHOW search_path").fetchone() == ("pg_catalog",)
    run.connection.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {run.database.name} RESET search_path".encode())


@pytest.mark.every_server
def test_a_subscription_that_writes_into_the_table_counts_before_contract(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("CREATE PUBLICATION p FOR TABLE t")
    slot = f"feed_{run.schema}_{run.subject.run_id}"
    run.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
    run.sql(
        f"CREATE SUBSCRIPTION feed CONNECTION '{run.database.url}' PUBLICATION p"
        f" WITH (create_slot = false, enabled = false, slot_name = {slot})"
    )
    try:
        assert "subscription feed" not in names(run, Phase.EXPAND)
        assert "subscription feed" in names(run, Phase.CONTRACT)
    finally:
        run.sql("ALTER SUBSCRIPTION feed SET (slot_name = NONE)")
        run.sql("DROP SUBSCRIPTION feed")


@pytest.mark.every_server
def test_a_word_covers_what_was_there_before_it(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("CREATE PUBLICATION p FOR TABLE t")
    # Nobody had been shown the publication: a look that is not recorded shows nothing.
    looked(run, record=False)
    take_note(run)
    assert looked(run).verdict is BLOCKED
    assert looked(run).verdict is BLOCKED
    take_note(run)
    found = looked(run)
    assert found.verdict is PASS
    assert found.reason.startswith("ada has taken note of publication p at ")
    assert looked(run, record=False).verdict is PASS
    # One that comes later is not covered, and takes nothing from the other.
    run.sql("CREATE PUBLICATION q FOR TABLE t")
    assert looked(run, record=False).verdict is BLOCKED
    found = looked(run)
    assert found.verdict is BLOCKED
    assert "publication q:" in found.reason
    assert "publication p" not in found.reason
    take_note(run, who="grace")
    assert looked(run).verdict is PASS


def test_what_comes_back_has_to_be_taken_note_of_anew(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("CREATE PUBLICATION p FOR TABLE t")
    looked(run)
    take_note(run)
    assert looked(run).verdict is PASS
    run.sql("DROP PUBLICATION p")
    assert looked(run).verdict is PASS
    run.sql("CREATE PUBLICATION p FOR TABLE t")
    assert looked(run).verdict is BLOCKED


@pytest.mark.parametrize("role", [None, "release-coordinator", "Replication"])
def test_a_word_in_another_role_or_in_none_takes_note_of_nothing(
    start: Callable[..., Expanded], role: str | None
) -> None:
    run = start(KEYED)
    run.sql("CREATE PUBLICATION p FOR TABLE t")
    looked(run)
    take_note(run, role=role)
    assert looked(run).verdict is BLOCKED


def test_each_phase_needs_a_word_of_its_own_and_one_can_be_withdrawn(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("CREATE PUBLICATION p FOR TABLE t")
    looked(run)
    looked(run, Phase.CONTRACT)
    take_note(run)
    assert looked(run).verdict is PASS
    assert looked(run, Phase.CONTRACT).verdict is BLOCKED
    take_note(run, Phase.CONTRACT)
    assert looked(run, Phase.CONTRACT).verdict is PASS
    withdraw(run.connection, run.subject.run_id, Word(phase=Phase.CONTRACT, approver="ada", role="replication"))
    assert looked(run, Phase.CONTRACT).verdict is BLOCKED
    assert looked(run).verdict is PASS


def test_a_word_expires_and_is_void_as_an_approval_is(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("CREATE PUBLICATION p FOR TABLE t")
    looked(run)
    take_note(run)
    look = run.look(Phase.EXPAND)
    later = replace(look, now=look.now + EXPIRES + timedelta(minutes=1))
    assert judge(observe(run.connection, run.subject, ENTRY, look), ENTRY).verdict is PASS
    assert judge(observe(run.connection, run.subject, ENTRY, later), ENTRY).verdict is BLOCKED
    run.sql("UPDATE crossfade.runs SET digest = 'sha256:another' WHERE id = %s", [run.subject.run_id])
    assert judge(observe(run.connection, run.subject, ENTRY, look), ENTRY).verdict is BLOCKED


def test_in_front_of_a_phase_it_reads_the_ledger_of_its_run(start: Callable[..., Expanded]) -> None:
    plan = "gates: {expand: [replication: {acknowledged_by: cdc-team}]}"
    run, other = start(KEYED, plan), start(KEYED, plan)
    run.sql(f"CREATE PUBLICATION p FOR TABLE t, {other.schema}.t")
    assert run.gates(Phase.EXPAND)["replication"].verdict is BLOCKED
    assert other.gates(Phase.EXPAND)["replication"].verdict is BLOCKED
    take_note(run, role="cdc-team")
    assert run.gates(Phase.EXPAND)["replication"].verdict is PASS
    assert other.gates(Phase.EXPAND)["replication"].verdict is BLOCKED


@pytest.mark.long
@pytest.mark.every_server
def test_a_standby_is_seen_with_the_right_to_and_blocks_while_it_lags(server: Server) -> None:
    with fresh_database(server) as database:
        with connect(database.url) as connection:
            ledger.install(connection)
        run = expand(database, "g", KEYED, "", "")
        run.sql("CREATE ROLE blind LOGIN; GRANT USAGE ON SCHEMA crossfade, g TO blind")
        run.sql("GRANT SELECT ON ALL TABLES IN SCHEMA crossfade TO blind")
        blind = connect(server.url(database.name, user="blind"))

        def as_blind() -> Judgement:
            return judge(observe(blind, run.subject, ENTRY, run.look(Phase.EXPAND, record=False)), ENTRY)

        try:
            assert as_blind().verdict is PASS
            with replica(server) as standby:
                assert as_blind().verdict is UNKNOWN
                run.sql("GRANT pg_read_all_stats TO blind")
                eventually(lambda: as_blind().verdict is PASS, "the standby tells how far it is")
                standby.delay("1h")
                tight = Replication.model_validate({"max_lag": "1s"})

                def is_late() -> bool:
                    run.sql("UPDATE t SET other = other")
                    found = judge(observe(blind, run.subject, tight, run.look(Phase.EXPAND, record=False)), tight)
                    return found.verdict is BLOCKED and found.reason.startswith("standby replica_1 is ")

                eventually(is_late, "the standby is late")
        finally:
            blind.close()
            run.connection.close()


@pytest.mark.every_server
def test_a_logical_subscriber_is_no_standby(server: Server) -> None:
    with fresh_database(server) as database, fresh_database(server) as target:
        with connect(database.url) as connection:
            ledger.install(connection)
        run = expand(database, "g", KEYED, "", "")
        run.sql("CREATE PUBLICATION p FOR TABLE t")
        slot = f"s_{database.name}"
        run.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
        target.execute("CREATE SCHEMA g; CREATE TABLE g.t (id int PRIMARY KEY, old text, new text, other int)")
        target.execute(
            f"CREATE SUBSCRIPTION s CONNECTION '{database.url}' PUBLICATION p"
            f" WITH (create_slot = false, copy_data = false, slot_name = {slot})"
        )
        try:
            streams = "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'"
            eventually(lambda: run.sql(streams) == [(True,)], "the subscriber streams")
            found = observe(run.connection, run.subject, ENTRY, run.look(Phase.EXPAND))
            assert found.standbys == ()
            assert {s.name for s in found.logical} == {"publication p", f"slot {slot}"}
            (mine,) = (s for s in found.slots if s.name == slot)
            assert (mine.is_logical, mine.active, mine.is_lost) == (True, True, False)
        finally:
            target.execute("ALTER SUBSCRIPTION s DISABLE")
            target.execute("ALTER SUBSCRIPTION s SET (slot_name = NONE)")
            target.execute("DROP SUBSCRIPTION s")
            run.connection.close()


@pytest.mark.every_server
def test_what_only_stores_wal_is_no_standby(server: Server, tmp_path: Path) -> None:
    program = server.bin_dir / "pg_receivewal"
    if not program.exists():
        pytest.skip("this server comes without pg_receivewal")
    with fresh_database(server) as database:
        with connect(database.url) as connection:
            ledger.install(connection)
        run = expand(database, "g", KEYED, "", "")
        receiver = subprocess.Popen(
            [program, "-D", tmp_path, "-d", server.url(), "--no-loop", "--status-interval=1"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            stores = "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming' AND write_lsn IS NOT NULL"
            eventually(lambda: run.sql(stores) == [(True,)], "it stores WAL")
            assert observe(run.connection, run.subject, ENTRY, run.look(Phase.EXPAND)).standbys == ()
        finally:
            receiver.terminate()
            receiver.wait()
            run.connection.close()
