"""Doctor says what keeps crossfade from working on a database, and finds what runs left behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import sql

from crossfade.errors import DatabaseUnreachable
from crossfade.operations.sync import column_sync
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.own_names import mark, own_name
from crossfade.workflow import ledger
from crossfade.workflow.doctor import Facts, examine, judge, observe, orphans
from crossfade.workflow.roles import grant_roles

from ..fixtures.pgbouncer import pgbouncer

if TYPE_CHECKING:
    from ..fixtures.database import Database

SOUND = Facts(
    server_version=180001,
    server_version_text="18.1",
    database="shop",
    role="owner",
    clock=1.8e9,
    clock_ahead=0.0,
    standby=False,
    read_only=False,
    read_only_by_default=False,
    may_create_schema=True,
    may_use_schema=True,
    owns_schema=True,
    ledger_version=ledger.VERSION,
    sees_activity=True,
    track_activities=True,
    connections_allowed=97,
    connections_used=5,
    idle_in_transaction_seconds=0.0,
    wal_level="logical",
    has_statements=True,
    active_slots=["standby_1"],
    idle_slots=[],
    prepared_transactions=[],
    long_transactions=[],
)


def test_a_sound_database_gives_nothing_but_ok() -> None:
    findings = judge(SOUND)
    assert {f.level for f in findings} == {"ok"}
    assert len({f.check for f in findings}) == len(findings)


@pytest.mark.parametrize(
    ("facts", "check", "level", "words"),
    [
        ({"server_version": 130009, "server_version_text": "13.9"}, "version", "error", "13.9 is too old"),
        ({"standby": True, "read_only": True}, "writable", "error", "standby"),
        ({"read_only": True}, "writable", "error", "cannot write"),
        ({"read_only_by_default": True}, "writable", "warning", "read-only by default"),
        ({"ledger_version": None}, "ledger", "error", "cannot read the ledger"),
        ({"ledger_version": 0, "may_create_schema": False}, "ledger", "error", "may not create"),
        ({"ledger_version": ledger.VERSION + 1}, "ledger", "error", "newer"),
        ({"owns_schema": False}, "ledger", "warning", "not drive runs"),
        ({"connections_used": 90}, "connections", "warning", "90 of 97"),
        ({"track_activities": False}, "activity", "warning", "track_activities is off"),
        ({"sees_activity": False}, "activity", "warning", "cannot see"),
        ({"idle_slots": ["old_1", "old_2"]}, "replication", "warning", "old_1, old_2"),
        ({"prepared_transactions": ["t1 (by app, 90 s ago)"]}, "prepared_transactions", "warning", "t1 (by app"),
        ({"long_transactions": ["pid 7 (psql)"]}, "transactions", "warning", "pid 7 (psql)"),
        ({"clock_ahead": 61.0}, "clock", "warning", "61 s ahead"),
        ({"clock_ahead": -61.0}, "clock", "warning", "61 s behind"),
    ],
)
def test_each_fact_that_is_wrong_is_named_with_what_to_do(
    facts: dict[str, Any], check: str, level: str, words: str
) -> None:
    (finding,) = [f for f in judge(replace(SOUND, **facts)) if f.level != "ok"]
    assert (finding.check, finding.level) == (check, level)
    assert words in finding.message
    assert finding.hint


def test_what_is_only_worth_a_word_is_ok() -> None:
    findings = {f.check: f for f in judge(replace(SOUND, ledger_version=0, has_statements=False))}
    assert "crossfade init" in findings["ledger"].message
    assert "not installed" in findings["statements"].message
    assert {findings["ledger"].level, findings["statements"].level} == {"ok"}


def levels(url: str) -> dict[str, str]:
    return {f.check: f.level for f in examine(url)}


@pytest.mark.every_server
def test_a_database_with_and_without_a_ledger_is_fit_to_work_on(database: Database) -> None:
    assert set(levels(database.url).values()) == {"ok"}
    with connect(database.url) as connection:
        ledger.install(connection)
    assert set(levels(database.url).values()) == {"ok"}
    found = {f.check: f.message for f in examine(database.url)}
    assert found["ledger"].startswith(f"version {ledger.VERSION}")


@pytest.mark.every_server
def test_a_role_without_rights_is_told_which_it_needs(database: Database) -> None:
    database.execute("CREATE ROLE doctor_plain LOGIN")
    url = database.server.url(database.name, user="doctor_plain")
    found = {f.check: f for f in examine(url) if f.level != "ok"}
    assert set(found) == {"ledger", "activity"}
    database.execute(sql.SQL(found["ledger"].hint or ""))
    database.execute(sql.SQL(found["activity"].hint or ""))
    assert set(levels(url).values()) == {"ok"}


def test_a_ledger_of_somebody_else_is_an_error_for_a_stranger_and_a_warning_for_a_reader(database: Database) -> None:
    with connect(database.url) as connection:
        ledger.install(connection)
        grant_roles(connection, None)
    database.execute("CREATE ROLE doctor_plain LOGIN")
    url = database.server.url(database.name, user="doctor_plain")
    assert levels(url)["ledger"] == "error"
    database.execute("GRANT crossfade_reader TO doctor_plain")
    assert levels(url)["ledger"] == "warning"


def test_a_database_that_is_read_only_by_default_is_pointed_out(database: Database) -> None:
    name = sql.Identifier(database.name)
    database.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    assert levels(database.url)["writable"] == "warning"


@pytest.mark.every_server
def test_a_long_transaction_is_named_with_pid_app_and_user(database: Database) -> None:
    with database.connect(application_name="nightly report") as other, connect(database.url) as connection:
        other.execute("SELECT 1")
        (found,) = observe(connection, long=0.0).long_transactions
        assert observe(connection).long_transactions == []
        assert found.startswith(f"pid {other.info.backend_pid} (nightly report, user {other.info.user}, idle in tr")


def test_a_slot_that_nobody_reads_is_named(database: Database) -> None:
    database.execute("SELECT pg_create_logical_replication_slot('doctor_idle', 'pgoutput')")
    (finding,) = [f for f in examine(database.url) if f.check == "replication"]
    assert finding.level == "warning"
    assert "doctor_idle" in finding.message


def test_a_transaction_pooler_is_an_error(database: Database) -> None:
    with pgbouncer(database, pool_mode="transaction") as url:
        assert levels(url) == {"pooler": "error"}


def test_a_server_that_is_not_there_is_an_error_of_its_own() -> None:
    with pytest.raises(DatabaseUnreachable):
        examine("host=/nowhere dbname=shop")


USERS = QualifiedName("public", "users")
RUN = "users-email"
INDEX = own_name("ix", RUN, "public", "users_email_key", "email")


def pair() -> column_sync.Pair:
    return column_sync.Pair(
        plan=RUN,
        table=USERS,
        members=(USERS,),
        old="email",
        new="email_address",
        type="text",
        exact=True,
        default=None,
        volatile_default=False,
        nullable=True,
    )


def expand(database: Database, *, partitioned: bool = False) -> None:
    """What a rename of users.email has on the database, with an index copy."""
    with connect(database.url) as connection:
        ledger.install(connection)
    partition = sql.SQL(" PARTITION BY RANGE (id)" if partitioned else "")
    database.execute(sql.SQL("CREATE TABLE users (id int, email text, email_address text)") + partition)
    comment = sql.Literal(mark(RUN))
    database.execute(sql.SQL("COMMENT ON COLUMN users.email_address IS {}").format(comment))
    for statement in column_sync.create(pair()):
        database.execute(sql.SQL(statement.text))
    database.execute(sql.SQL("CREATE INDEX {} ON users (email_address)").format(sql.Identifier(INDEX)))
    database.execute(sql.SQL("COMMENT ON INDEX {} IS {}").format(sql.Identifier(INDEX), comment))


def add_run(database: Database, state: str) -> None:
    with connect(database.url) as connection:
        ledger.add_run(connection, name=RUN, digest="", plan={}, acks=(), program={})
        connection.execute("UPDATE crossfade.runs SET state = %s WHERE state = 'planned'", [state])


def left(database: Database) -> tuple[str, ...]:
    with connect(database.url) as connection:
        return orphans(connection)


@pytest.mark.every_server
@pytest.mark.parametrize("partitioned", [False, True])
def test_the_objects_of_a_living_run_are_no_orphans(database: Database, *, partitioned: bool) -> None:
    expand(database, partitioned=partitioned)
    if partitioned:
        database.execute("CREATE TABLE users_1 PARTITION OF users FOR VALUES FROM (0) TO (10)")
    add_run(database, "expanded")
    assert left(database) == ()
    # While the run is `retained` the twin has a name of ours, in every partition too.
    twin = sql.Identifier(pair().name("twin"))
    database.execute(sql.SQL("ALTER TABLE users RENAME COLUMN email_address TO {}").format(twin))
    assert left(database) == ()


@pytest.mark.every_server
def test_objects_of_a_run_that_is_over_or_unknown_are_named(database: Database) -> None:
    expand(database, partitioned=True)
    database.execute("CREATE TABLE users_1 PARTITION OF users FOR VALUES FROM (0) TO (10)")
    found = left(database)
    assert all(line.endswith(f"(run {RUN}: unknown)") for line in found)
    things = [line.removesuffix(f" (run {RUN}: unknown)") for line in found]
    triggers = [t for t in things if t.startswith("trigger ")]
    assert sorted(triggers) == sorted(f"trigger {t.name} on public.users" for t in column_sync.in_place(pair()))
    assert [t for t in things if t not in triggers] == [
        "column public.users.email_address",
        f"index public.{INDEX} on public.users",
        f"function crossfade.{pair().name('insert')}()",
        f"function crossfade.{pair().name('update')}()",
    ]
    add_run(database, "rolled_back")
    assert {line.rpartition(" (")[2] for line in left(database)} == {f"run {RUN}: rolled_back)"}
    add_run(database, "backfilled")
    assert left(database) == ()


def test_an_object_with_our_name_but_no_comment_is_named(database: Database) -> None:
    expand(database)
    add_run(database, "contracted")
    database.execute(sql.SQL("COMMENT ON INDEX {} IS NULL").format(sql.Identifier(INDEX)))
    assert f"index public.{INDEX} on public.users (no comment that names its run)" in left(database)


def test_without_a_ledger_every_object_of_ours_is_an_orphan(database: Database) -> None:
    database.execute(
        'CREATE SCHEMA "My Shop"; CREATE TABLE "My Shop".users (id int, "e mail" text, crossfade_note text)'
    )
    assert left(database) == ()
    database.execute("""COMMENT ON COLUMN "My Shop".users."e mail" IS 'crossfade: run gone'""")
    assert left(database) == ('column "My Shop".users."e mail" (run gone: unknown)',)
