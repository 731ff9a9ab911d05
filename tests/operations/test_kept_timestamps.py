"""Columns that a trigger sets to the present time keep their value in rows that the backfill writes, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.observe.events import BatchDone
from crossfade.operations.step import Part
from crossfade.plan.load import parse_plan
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger
from crossfade.workflow.program import Compilation, compile_plan
from crossfade.workflow.states import State

from ..fixtures.long import few_of
from .data_cases import cautions, refusals

if TYPE_CHECKING:
    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

LONG_AGO = "2020-02-02 00:00:00+00"
STAMP = "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.updated_at := now(); RETURN NEW; END';"
TABLE = f"CREATE TABLE users (id int PRIMARY KEY, email text, updated_at timestamptz DEFAULT '{LONG_AGO}')"
ROWS = "INSERT INTO users (id, email) SELECT g, 'E' || g FROM generate_series(1, 300) g"
FIRE = "CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp()"
STAMPED = f"{TABLE}; {STAMP} {FIRE}; {ROWS};"
SETUPS = {
    "plpgsql": STAMPED,
    "moddatetime": f"{TABLE}; CREATE EXTENSION moddatetime; {ROWS};"
    "CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION moddatetime(updated_at);",
    "partitioned": f"{TABLE} PARTITION BY HASH (id); {STAMP} {FIRE};"
    "CREATE TABLE users_0 PARTITION OF users FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
    f"CREATE TABLE users_1 PARTITION OF users FOR VALUES WITH (MODULUS 2, REMAINDER 1); {ROWS};",
}
LOWER = "update_rows: {table: users, set: {email: lower(email)}}"


def rename(*, updated_at: str | None = None) -> Plan:
    says = f", updated_at: {updated_at}" if updated_at else ""
    return parse_plan(
        f"crossfade: 1\nname: the-rename\nbackfill: {{batch_rows: 50, target: 10ms{says}}}\n"
        "changes:\n  - rename_column: {table: users, from: email, to: mail}\n",
        "plan.yaml",
    )


def ours(database: Database) -> list[str]:
    """The names of our triggers that keep a column."""
    found = database.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE '~crossfade\\_keep%'")
    return [name for (name,) in found]


@pytest.mark.long
@pytest.mark.alike
@pytest.mark.parametrize("setup", few_of(SETUPS.values(), {SETUPS["plpgsql"], SETUPS["partitioned"]}), ids=SETUPS)
def test_the_backfill_keeps_what_an_application_that_writes_meanwhile_changes(setup: str, database: Database) -> None:
    database.execute(setup)
    written = iter(range(300, 0, -1))

    def write_as_an_application(event: Event) -> None:
        if isinstance(event, BatchDone):
            database.execute("UPDATE users SET email = 'new' WHERE id = %s", [next(written)])

    with Engine(database.url, emit=write_as_an_application) as engine:
        engine.expand(rename())
        assert ours(database)
        database.execute("UPDATE users SET mail = 'new' WHERE id = 1")
        assert engine.backfill("the-rename").state is State.BACKFILLED
    assert ours(database) == []
    changed = database.execute("SELECT id FROM users WHERE updated_at > %s", [LONG_AGO])
    by_applications = database.execute("SELECT id FROM users WHERE email = 'new'")
    assert sorted(changed) == sorted(by_applications)
    assert 1 < len(changed) < 300
    assert database.execute("SELECT count(*) FROM users WHERE mail IS DISTINCT FROM email") == [(0,)]


def test_a_plan_may_let_it_be_touched(database: Database) -> None:
    database.execute(STAMPED)
    with Engine(database.url) as engine:
        engine.expand(rename(updated_at="touch"))
        assert ours(database) == []
        engine.backfill("the-rename")
    assert database.execute("SELECT count(*) FROM users WHERE updated_at = %s", [LONG_AGO]) == [(0,)]


def compiled(database: Database, *entries: str) -> Compilation:
    changes = "".join(f"  - {entry}\n" for entry in entries)
    plan = parse_plan(f"crossfade: 1\nname: tidy\nchanges:\n{changes}", "plan.yaml")
    with connect(database.url) as connection:
        connection.execute("RESET search_path")
        found = compile_plan(plan, read_catalog(connection, [("public", "users")]))
    assert not found.refusals
    return found


def execute(database: Database, compilation: Compilation, part: Part) -> None:
    for step in compilation.program.of(part):
        assert step.part is part
        for statement in step.statements:
            database.execute(sql.SQL(statement.text))
        assert database.execute(sql.SQL(step.done)) == [(True,)]


def stamped_by(database: Database, *, backfill: bool) -> set[int]:
    """Which rows have another `updated_at` after an UPDATE of the first and of the last."""
    with psycopg.connect(database.url) as connection:
        if backfill:
            connection.execute("SET crossfade.backfill = on")
        connection.execute("UPDATE users SET email = 'x' WHERE id IN (1, 300)")
        changed = connection.execute("SELECT id FROM users WHERE updated_at > %s", [LONG_AGO]).fetchall()
        connection.rollback()
    return {number for (number,) in changed}


@pytest.mark.alike
@pytest.mark.parametrize("setup", few_of(SETUPS.values(), {SETUPS["plpgsql"], SETUPS["partitioned"]}), ids=SETUPS)
def test_a_change_of_rows_is_guarded_from_expand_until_its_rows_are_done(setup: str, database: Database) -> None:
    database.execute(setup)
    with connect(database.url) as connection:
        ledger.install(connection)
    before = database.dump()
    compilation = compiled(database, LOWER)
    assert not compilation.cautions
    assert stamped_by(database, backfill=True) == {1, 300}
    execute(database, compilation, Part.EXPAND)
    assert stamped_by(database, backfill=True) == set()
    assert stamped_by(database, backfill=False) == {1, 300}
    execute(database, compilation, Part.SEAL)
    assert database.dump() == before


def test_several_changes_of_a_table_share_one_guard(database: Database) -> None:
    database.execute(STAMPED)
    program = compiled(database, LOWER, "update_rows: {table: users, set: {email: upper(email)}}").program
    assert [s.id for s in program.steps] == ["1.update_rows/keep", "1.update_rows/let_go"]


def test_a_column_that_the_plan_sets_is_left_alone(database: Database) -> None:
    database.execute(STAMPED)
    found = compiled(database, "update_rows: {table: users, set: {updated_at: now()}}")
    assert found.program.steps == ()
    [caution] = found.cautions
    assert (caution.code, caution.object) == ("triggers_fire", "trigger stamp on public.users")
    assert "What the plan sets updated_at to is lost to it." in caution.message


MADE_ANEW = "DROP TRIGGER stamp ON users; CREATE TRIGGER stamp {} ON users FOR EACH ROW EXECUTE FUNCTION stamp()"


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE users DISABLE TRIGGER stamp",
        "ALTER TABLE users ENABLE REPLICA TRIGGER stamp",
        MADE_ANEW.format("BEFORE UPDATE OF id"),
        MADE_ANEW.format("BEFORE INSERT"),
    ],
)
def test_a_trigger_that_does_not_fire_needs_no_guard(change: LiteralString, database: Database) -> None:
    database.execute(STAMPED)
    database.execute(change)
    found = compiled(database, LOWER)
    assert found.program.steps == ()
    assert found.cautions == ()


def test_every_other_trigger_that_fires_is_named_with_what_is_known_of_it(database: Database) -> None:
    """Not one for other columns or other events, or one that is disabled."""
    database.execute(
        f"{STAMPED} CREATE TABLE audit (id int);"
        "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN INSERT INTO public.audit VALUES (NEW.id); RETURN NULL; END';"
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN PERFORM pg_notify(''users'', ''''); RETURN NULL; END';"
        "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER audit AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION audit();"
        "CREATE TRIGGER tell AFTER UPDATE ON users EXECUTE FUNCTION tell();"
        "CREATE TRIGGER look BEFORE UPDATE OF email ON users FOR EACH ROW EXECUTE FUNCTION look();"
        "CREATE TRIGGER of_id AFTER UPDATE OF id ON users FOR EACH ROW EXECUTE FUNCTION look();"
        "CREATE TRIGGER of_insert AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION look();"
        "CREATE TRIGGER off AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION look();"
        "ALTER TABLE users DISABLE TRIGGER off"
    )
    said = {c.object: c.message for c in cautions(database, LOWER) if c.code == "triggers_fire"}
    assert said == {
        "trigger audit on public.users": "the backfill's UPDATE fires it once for each row: it writes to public.audit.",
        "trigger tell on public.users": "the backfill's UPDATE fires it once for each batch: "
        "it sends a notification (NOTIFY).",
        "trigger look on public.users": "the backfill's UPDATE fires it once for each row. "
        "Look at what its function public.look does.",
    }


def test_who_does_not_own_the_table_is_told_what_to_write(database: Database) -> None:
    database.execute(f"{STAMPED} CREATE ROLE writer LOGIN; GRANT SELECT, UPDATE ON users TO writer")
    with connect(database.url) as connection:
        connection.execute("RESET search_path; SET ROLE writer")
        catalog = read_catalog(connection, [("public", "users")])
    text = "crossfade: 1\nname: tidy\nchanges:\n  - {}\nbackfill: {{updated_at: {}}}\n"
    [found] = compile_plan(parse_plan(text.format(LOWER, "keep"), "plan.yaml"), catalog).refusals
    assert (found.code, found.object) == ("not_owner", "public.users")
    assert "updated_at: touch" in found.instead
    assert compile_plan(parse_plan(text.format(LOWER, "touch"), "plan.yaml"), catalog).refusals == ()


def test_a_trigger_that_fires_after_the_guard_is_refused(database: Database) -> None:
    database.execute(f'{STAMPED} ALTER TRIGGER stamp ON users RENAME TO "~~last"')
    [found] = refusals(database, LOWER)
    assert (found.code, found.object) == ("trigger_order", "trigger ~~last on public.users")


@pytest.mark.alike
def test_a_plan_that_changes_rows_leaves_the_column_and_nothing_behind(database: Database) -> None:
    database.execute(STAMPED)
    before = database.dump()
    text = f"crossfade: 1\nname: tidy\nchanges:\n  - {LOWER}\nbackfill: {{batch_rows: 50}}\n"
    with Engine(database.url) as engine:
        assert engine.advance(parse_plan(text, "plan.yaml")).state is State.CONTRACTED
        assert engine.orphans() == ()
    assert database.execute("SELECT count(*), max(email), max(updated_at)::text FROM users") == [
        (300, "e99", database.execute("SELECT %s::timestamptz::text", [LONG_AGO])[0][0])
    ]
    assert database.dump() == before
