"""A rehearsed backfill says what it would come to, and leaves everything as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest

from crossfade.errors import PreflightRefused, WrongState
from crossfade.observe.events import BatchDone
from crossfade.plan.load import parse_plan
from crossfade.postgres.connect import connect
from crossfade.workflow.dry_run import rehearse
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.backfill.rehearsal import Rehearsal
    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLE = "CREATE TABLE users (id int PRIMARY KEY, email text, name text)"
ROWS = "INSERT INTO users SELECT g, CASE WHEN mod(g, 10) > 0 THEN 'E' || g END, 'n' FROM generate_series(1, 3000) g"
USERS = f"{TABLE}; {ROWS}; ANALYZE users;"
RENAME = "rename_column: {table: users, from: email, to: mail}"
LOWER = "update_rows: {table: users, set: {email: lower(email)}, where: email <> lower(email)}"


def plan(entry: str, *more: str) -> Plan:
    lines = ["crossfade: 1", "name: the-plan", "changes:", f"  - {entry}", *more]
    return parse_plan("\n".join(lines), "plan.yaml")


def rehearsed(database: Database, target: Plan | str, *, user: str | None = None) -> Rehearsal:
    url = database.url if user is None else database.server.url(database.name, user=user)
    return rehearse(lambda: connect(url), target)


def everything(database: Database, table: LiteralString = "users") -> object:
    """Every row with its place and who wrote it, the schema, and whether there is a ledger."""
    rows = database.execute(f"SELECT t.ctid, t.xmin, t FROM {table} AS t ORDER BY 1")
    ledger = database.execute("SELECT to_regclass('crossfade.runs') IS NOT NULL")
    return rows, database.dump(), ledger


def notes(found: Rehearsal) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for note in found.notes:
        said.setdefault(note.about, []).append(note.message)
    return said


@pytest.mark.long
@pytest.mark.every_server
@pytest.mark.parametrize("entry", [RENAME, LOWER])
def test_a_plan_that_was_never_started_is_rehearsed_and_nothing_changes(entry: str, database: Database) -> None:
    database.execute(USERS)
    before = everything(database)
    found = rehearsed(database, plan(entry))
    assert everything(database) == before
    assert found.state is None
    assert found.stands_in == (entry is RENAME)
    [(measured, expected)] = found.relations
    assert (measured.relation, measured.key, measured.rows) == ("public.users", ("id",), 3000)
    assert (expected.rows_to_write, expected.rows_to_write_exact) == (2700, True)
    samples = [(s.place, s.rows, s.written, s.updated, s.skipped) for s in measured.samples]
    assert samples == [
        ("beginning", 1000, 900, 900, None),
        ("middle", 1000, 900, 900, None),
        ("end", 1000, 900, 900, None),
    ]
    assert all(s.wal_bytes > 0 and s.seconds > 0 for s in measured.samples)
    total = found.total
    assert total.seconds_p50 is not None
    assert total.seconds_p90 is not None
    assert 0 < total.seconds_p50 <= total.seconds_p90
    assert total.finish_p50 is not None
    assert total.wal_bytes is not None
    assert total.wal_bytes > 0
    assert ("WAL" in notes(found)) == (database.server.major < 18)


@pytest.mark.long
@pytest.mark.alike
def test_a_run_that_is_expanded_is_rehearsed_with_its_own_triggers(database: Database) -> None:
    database.execute(USERS)
    with Engine(database.url) as engine:
        engine.expand(plan(RENAME))
        before = everything(database)
        found = engine.dry_run("the-plan")
        assert everything(database) == before
        assert (found.state, found.stands_in) == ("expanded", False)
        assert found.total.rows_to_write == 2700
        assert found.triggers == ()
        assert engine.backfill("the-plan").state is State.BACKFILLED
        with pytest.raises(WrongState, match="the-plan is backfilled"):
            engine.dry_run("the-plan")


@pytest.mark.long
def test_what_is_done_is_not_counted_again(database: Database) -> None:
    database.execute(USERS)

    def stop(event: Event) -> None:
        if isinstance(event, BatchDone):
            engine.stop()

    with Engine(database.url, emit=stop) as engine:
        asked = plan(RENAME, "backfill: {batch_rows: 500, max_rows: 500}")
        engine.expand(asked)
        with pytest.raises(Exception, match="stops in the backfill"):
            engine.backfill(asked)
        frontier = database.execute("SELECT frontier[1]::int FROM crossfade.backfills")
    found = rehearsed(database, "the-plan")
    [(measured, _)] = found.relations
    assert [(3000 - measured.rows,)] == frontier
    assert 0 < measured.rows < 3000
    assert [s.place for s in measured.samples] == ["beginning", "end"]


def test_refused_rows_are_found_with_their_keys(database: Database) -> None:
    database.execute(f"{USERS} ALTER TABLE users ADD CONSTRAINT no_42 CHECK (id NOT IN (42, 1500, 1501)) NOT VALID")
    before = everything(database)
    found = rehearsed(database, plan(LOWER))
    assert everything(database) == before
    [(measured, _)] = found.relations
    refused = [(s.place, r.key, r.sqlstate) for s in measured.samples for r in s.refused]
    assert ("beginning", "id=42", "23514") in refused
    assert {(key, state) for _, key, state in refused} <= {(f"id={n}", "23514") for n in (42, 1500, 1501)}
    assert "no_42" in measured.samples[0].refused[0].message
    assert measured.samples[0].written == 899
    assert any("set aside" in said for said in notes(found)["public.users"])


@pytest.mark.alike
def test_a_condition_that_raises_for_a_row_is_named_and_the_rest_is_measured(database: Database) -> None:
    database.execute("CREATE TABLE t (a int PRIMARY KEY, hits int); INSERT INTO t SELECT generate_series(1, 2000), 0")
    found = rehearsed(database, plan('update_rows: {table: t, set: {hits: hits + 1}, where: "10/(a-1777) < 100"}'))
    [(measured, expected)] = found.relations
    assert (measured.key, measured.rows, measured.pending, measured.skipped) == (("a",), 2000, None, None)
    [said] = [n for n in notes(found)["public.t"] if "raises" in n]
    assert "10 / (a - 1777) < 100" in said
    assert "division by zero (22012)" in said
    refused = {(r.key, r.sqlstate, r.message) for s in measured.samples for r in s.refused}
    assert refused == {("a=1777", "22012", "division by zero")}
    assert all(s.skipped is None for s in measured.samples)
    assert [s.written for s in measured.samples if not s.refused] == [1000] * (len(measured.samples) - 2)
    assert expected.rows_to_write_exact is False
    assert expected.seconds_p50 is not None


def test_a_value_that_raises_for_the_first_row_leaves_the_batch_measured(database: Database) -> None:
    database.execute(
        "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 200); CREATE TABLE u (b int)"
    )
    [(measured, _)] = rehearsed(database, plan("copy_rows: {from: t, into: u, columns: {b: 10 / (a - 1)}}")).relations
    assert [s.skipped for s in measured.samples] == [None]
    assert [r.key for r in measured.samples[0].refused] == ["a=1"]
    assert measured.samples[0].written == 199


def test_names_are_looked_up_as_they_will_be_when_the_rows_are_written(database: Database) -> None:
    database.execute(
        f"{USERS} CREATE FUNCTION quiet(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';"
        "ALTER TABLE users ADD CHECK (id <> 42) NOT VALID"
    )
    entry = "update_rows: {table: users, set: {email: quiet(email)}, where: quiet(email) <> email}"
    [(measured, expected)] = rehearsed(database, plan(entry)).relations
    assert expected.rows_to_write == 2700
    assert [s.skipped for s in measured.samples] == [None, None, None]
    assert [r.key for r in measured.samples[0].refused] == ["id=42"]
    assert measured.examples[0].after == {"email": "e1"}


def test_a_batch_whose_rows_are_locked_is_skipped(database: Database) -> None:
    database.execute(USERS)
    holder = database.connect()
    holder.execute("SELECT FROM users WHERE id = 5 FOR UPDATE")
    [(measured, expected)] = rehearsed(database, plan(LOWER)).relations
    first, *others = measured.samples
    assert first.skipped == "a lock was not to be had within 200 ms"
    assert [s.skipped for s in others] == [None, None]
    assert expected.seconds_p50 is not None


@pytest.mark.long
def test_a_table_that_is_locked_has_a_reason_instead_of_numbers(database: Database) -> None:
    database.execute(USERS)
    with Engine(database.url) as engine:
        engine.start(plan(LOWER))
    database.execute("UPDATE crossfade.runs SET state = 'expanded'")
    holder = database.connect()
    holder.execute("LOCK TABLE users IN EXCLUSIVE MODE")
    [(measured, expected)] = rehearsed(database, "the-plan").relations
    assert {s.skipped for s in measured.samples} == {"a lock was not to be had within 200 ms"}
    assert (expected.rows_to_write, expected.seconds_p50, expected.wal_bytes) == (2700, None, None)


HOT = "CREATE TABLE users (id int PRIMARY KEY, email text, name text) WITH (fillfactor = 40);"


@pytest.mark.parametrize(
    ("setup", "share"), [(f"{HOT} {ROWS}", 1.0), (f"{HOT} CREATE INDEX ON users (email); {ROWS}", 0.0)]
)
def test_the_share_of_hot_updates_is_measured(setup: LiteralString, share: float, database: Database) -> None:
    database.execute(f"{setup}; ANALYZE users")
    found = rehearsed(database, plan(LOWER))
    [(_, expected)] = found.relations
    assert expected.hot_share == share
    assert expected.table_bytes is not None
    assert expected.table_bytes > 0
    assert (expected.index_bytes == 0) == (share == 1.0)
    assert any("not HOT" in said for said in notes(found).get("public.users", [])) == (share == 0.0)


@pytest.mark.long
def test_rows_are_shown_before_and_after(database: Database) -> None:
    database.execute(f"{USERS} CREATE TABLE people (id int PRIMARY KEY, address text)")
    [(measured, _)] = rehearsed(database, plan(LOWER)).relations
    assert [(e.key, e.before, e.after) for e in measured.examples] == [
        (f"id={n}", {"email": f"E{n}"}, {"email": f"e{n}"}) for n in range(1, 6)
    ]
    [(measured, expected)] = rehearsed(database, plan("delete_rows: {table: users, where: id > 2998}")).relations
    assert expected.rows_to_write == 2
    assert [e.before for e in measured.examples] == [
        {"id": 2999, "email": "E2999", "name": "n"},
        {"id": 3000, "email": None, "name": "n"},
    ]
    copied = "copy_rows: {from: users, into: people, columns: {id: id, address: lower(email)}, where: email IS NULL}"
    [(measured, expected)] = rehearsed(database, plan(copied)).relations
    assert expected.rows_to_write == 300
    assert measured.examples[0].after == {"id": 10, "address": None}
    assert expected.table_bytes is not None
    assert (expected.table_bytes > 0, expected.index_bytes) == (True, None)
    assert database.execute("SELECT count(*) FROM people") == [(0,)]


@pytest.mark.long
def test_triggers_and_foreign_keys_are_listed(database: Database) -> None:
    database.execute(
        f"{USERS} ALTER TABLE users ADD updated_at timestamptz;"
        "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.updated_at := now(); RETURN NEW; END';"
        "CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp();"
        "CREATE TRIGGER gone AFTER DELETE ON users EXECUTE FUNCTION stamp();"
        "ALTER TABLE users ENABLE ALWAYS TRIGGER gone;"
        "CREATE TABLE logins (who int REFERENCES users);"
        "CREATE TABLE posts (who int REFERENCES users); CREATE INDEX ON posts (who)"
    )
    found = rehearsed(database, plan(LOWER))
    assert [(t.name, t.timing, t.enabled, t.kept) for t in found.triggers] == [
        ("stamp", "before each row", "enabled", ("updated_at",))
    ]
    assert found.foreign_keys == ()
    touching = rehearsed(database, plan(LOWER, "backfill: {updated_at: touch}"))
    assert [t.kept for t in touching.triggers] == [()]
    found = rehearsed(database, plan("delete_rows: {table: users, where: id > 2998}"))
    assert [(t.name, t.timing, t.enabled) for t in found.triggers] == [("gone", "after each batch", "always")]
    assert {(k.table, k.scans) for k in found.foreign_keys} == {("public.logins", True), ("public.posts", False)}
    assert "has no index" in notes(found)["public.logins"][0]
    assert "public.posts" not in notes(found)


@pytest.mark.long
def test_a_right_that_is_missing_comes_with_its_grant(database: Database) -> None:
    database.execute(f"{USERS} CREATE ROLE writer LOGIN; GRANT SELECT ON users TO writer")
    found = rehearsed(database, plan(LOWER), user="writer")
    assert found.missing_rights == ('GRANT UPDATE ("email") ON "public"."users" TO "writer"',)
    [(measured, _)] = found.relations
    assert "permission denied" in (measured.samples[0].skipped or "")
    gone = rehearsed(database, plan("delete_rows: {table: users, where: id > 2998}"), user="writer")
    assert gone.missing_rights == ('GRANT DELETE ON "public"."users" TO "writer"',)
    database.execute("GRANT UPDATE (email) ON users TO writer")
    found = rehearsed(database, plan(LOWER), user="writer")
    assert found.missing_rights == ()
    assert found.total.seconds_p50 is not None


def test_what_preflight_refuses_is_not_rehearsed(database: Database) -> None:
    database.execute(USERS)
    with pytest.raises(PreflightRefused, match="no column"):
        rehearsed(database, plan("update_rows: {table: users, set: {nothing: id}}"))


def test_a_key_that_is_nearly_used_up_is_told(database: Database) -> None:
    database.execute(f"{USERS} INSERT INTO users VALUES (1900000000, 'E', 'n')")
    found = rehearsed(database, plan(LOWER))
    [(measured, _)] = found.relations
    assert measured.room is not None
    assert measured.room.greatest == 1_900_000_000
    assert "id has come to 1,900,000,000 of 2,147,483,647 (88%)" in notes(found)["public.users"][0]


def test_the_plans_hours_say_when_it_is_done(database: Database) -> None:
    database.execute(USERS)
    found = rehearsed(database, plan(LOWER, "backfill: {deadline: 2020-01-01T00:00Z}"))
    assert found.total.seconds_p50 is not None
    assert found.total.finish_p50 is None
    assert "does not get done at all" in notes(found)["deadline"][0]


def test_limits_of_the_plan_are_kept(database: Database) -> None:
    database.execute(USERS)
    found = rehearsed(database, plan(LOWER, "backfill: {rows_per_second: 3}"))
    assert found.total.seconds_p50 == found.total.seconds_p90 == 1000.0


@pytest.mark.long
@pytest.mark.alike
def test_partitions_are_measured_one_by_one_and_tables_without_a_key_by_place(database: Database) -> None:
    database.execute(
        "CREATE TABLE users (id int, email text) PARTITION BY RANGE (id);"
        "CREATE TABLE users_1 PARTITION OF users (PRIMARY KEY (id)) FOR VALUES FROM (0) TO (1500);"
        "CREATE TABLE users_2 PARTITION OF users FOR VALUES FROM (1500) TO (9000);"
        "CREATE TABLE users_3 PARTITION OF users FOR VALUES FROM (9000) TO (9001);"
        "INSERT INTO users SELECT g, 'E' || g FROM generate_series(1, 8000) g"
    )
    before = everything(database)
    found = rehearsed(database, plan(LOWER, "backfill: {batch_rows: 700}"))
    assert everything(database) == before
    seen = {m.relation: (m.key, m.rows, len(m.samples), f.rows_to_write) for m, f in found.relations}
    assert seen["public.users_1"] == (("id",), 1499, 3, 1499)
    assert seen["public.users_2"] == ((), 6501, 3, 6501)
    assert seen["public.users_3"] == ((), 0, 0, 0)
    assert any("by place" in said for said in notes(found)["public.users_2"])
    assert found.total.rows_to_write == 8000
    assert found.total.table_bytes is not None
    assert found.total.seconds_p50 is not None


def test_a_table_without_rows_comes_to_nothing(database: Database) -> None:
    database.execute(TABLE)
    total = rehearsed(database, plan(LOWER)).total
    assert (total.rows, total.rows_to_write, total.seconds_p90, total.wal_bytes) == (0, 0, 0.0, 0)
