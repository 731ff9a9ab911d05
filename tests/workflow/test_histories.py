"""Rows in other tools' histories: written with the step that completes the schema, taken back with it, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.errors import GateBlocked, LockNotAcquired, PreflightRefused, WouldDiscard
from crossfade.observe.events import LockWaited, StepStarted
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLES = (Path(__file__).parent / "tool_histories.sql").read_text(encoding="utf-8")
USERS: LiteralString = (
    "CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'a@b'), (2, 'c@d')"
)
SUM = "b" * 64
RENAME = "rename_column: {table: users, from: email, to: mail}"
OF_EACH_TOOL = f"""
  - {{tool: prisma, name: 20260202000000_mail, checksum: {SUM}}}
  - {{tool: drizzle, name: 0001_mail, checksum: {SUM}, created_at: 2000}}
  - {{tool: drizzle-1, name: 20260202030405_mail, checksum: {SUM}, history: drizzle_1.__drizzle_migrations}}
  - {{tool: flyway, name: V1_1__the_mail, checksum: "-12", file: db/migration/users/V1_1__the_mail.sql}}
  - {{tool: golang-migrate, name: 2_mail, after: 1_init}}
  - {{tool: dbmate, name: 20260202000000_mail, history: dbmate.schema_migrations}}
  - {{tool: goose, name: 00002_mail}}
  - {{tool: diesel, name: 2026-02-02-000000_mail}}
  - {{tool: node-pg-migrate, name: 1770000000000_mail}}
"""
READ: dict[str, LiteralString] = {
    "prisma": "SELECT migration_name, checksum, logs, rolled_back_at, applied_steps_count, started_at = finished_at, "
    "id ~ '^[0-9a-f-]{36}$' FROM _prisma_migrations ORDER BY migration_name",
    "drizzle": "SELECT hash, created_at FROM drizzle.__drizzle_migrations ORDER BY id",
    "drizzle-1": "SELECT hash, created_at, name, applied_at IS NOT NULL FROM drizzle_1.__drizzle_migrations "
    "ORDER BY id",
    "flyway": "SELECT installed_rank, version, description, type, script, checksum, installed_by = current_user, "
    "execution_time, success FROM flyway_schema_history ORDER BY installed_rank",
    "golang-migrate": "SELECT version, dirty FROM schema_migrations",
    "dbmate": "SELECT version FROM dbmate.schema_migrations ORDER BY version",
    "goose": "SELECT version_id, is_applied FROM goose_db_version ORDER BY id",
    "diesel": "SELECT version FROM __diesel_schema_migrations ORDER BY version",
    "node-pg-migrate": "SELECT name FROM pgmigrations ORDER BY run_on, id",
}
WRITTEN: dict[str, tuple[Any, ...]] = {
    "prisma": ("20260202000000_mail", SUM, None, None, 0, True, True),
    "drizzle": (SUM, 2000),
    "drizzle-1": (SUM, 1770001445000, "20260202030405_mail", True),
    "flyway": (2, "1.1", "the mail", "SQL", "users/V1_1__the_mail.sql", -12, True, 0, True),
    "golang-migrate": (2, False),
    "dbmate": ("20260202000000",),
    "goose": (2, True),
    "diesel": ("20260202000000",),
    "node-pg-migrate": ("1770000000000_mail",),
}


def plan_of(*changes: str, migrations: str = OF_EACH_TOOL, more: str = "") -> Plan:
    listed = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(
        f"crossfade: 1\nname: mail\nhold: 0s\n{more}\nchanges:\n{listed}migrations:{migrations}", "p.yaml"
    )


TIMES: LiteralString = (
    "SELECT at BETWEEN localtimestamp - interval '1 hour' AND localtimestamp FROM (SELECT run_on FROM pgmigrations "
    "UNION ALL SELECT tstamp FROM goose_db_version UNION ALL SELECT run_on FROM __diesel_schema_migrations) t (at)"
)


def make(database: Database) -> None:
    """In a database whose sessions have another time zone than those of crossfade."""
    database.execute(
        sql.SQL("ALTER DATABASE {} SET timezone = 'America/Los_Angeles'").format(sql.Identifier(database.name))
    )
    database.execute(USERS)
    with database.connect(autocommit=True) as connection:
        connection.execute(TABLES.encode())


def histories(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {tool: database.execute(query) for tool, query in READ.items()}


def recorded(before: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """The histories with one row more; golang-migrate has one only."""
    return {t: [WRITTEN[t]] if t == "golang-migrate" else [*rows, WRITTEN[t]] for t, rows in before.items()}


def refusals(database: Database, plan: Plan) -> list[str]:
    with Engine(database.url) as engine:
        return [refusal.code for refusal in engine.check(plan).refusals]


@pytest.mark.every_server
def test_every_tool_gets_its_row_when_the_old_shape_is_hidden_and_loses_it_when_that_is_reverted(
    database: Database,
) -> None:
    make(database)
    before = histories(database)
    plan = plan_of(RENAME, more="retain: 1h")
    with Engine(database.url) as engine:
        [hide] = engine.explain(plan).program.of(Part.HIDE)
        assert "record 20260202000000_mail in public._prisma_migrations" in hide.title
        engine.advance(plan, to=State.BACKFILLED)
        assert histories(database) == before
        engine.approve("mail", Phase.CONTRACT, "alice")
        engine.contract("mail")
        assert histories(database) == recorded(before)
        assert database.execute(TIMES) == [(True,)] * 7
        engine.revert("mail")
        assert histories(database) == before
        engine.contract("mail")
        assert histories(database) == recorded(before)
        engine.revert("mail")
        engine.rollback("mail")
        assert histories(database) == before


def test_the_first_half_of_a_migration_is_recorded_with_expand_and_taken_back_by_a_rollback(database: Database) -> None:
    make(database)
    before = database.execute(READ["dbmate"])
    plan = plan_of(
        RENAME, migrations="\n  - {tool: dbmate, name: 2_a, recorded: expand, history: dbmate.schema_migrations}"
    )
    with Engine(database.url) as engine:
        engine.expand(plan)
        assert database.execute(READ["dbmate"]) == sorted([*before, ("2",)])
        engine.rollback("mail")
    assert database.execute(READ["dbmate"]) == before


ALONE = "\n  - {tool: goose, name: 2_mail}"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        pytest.param(
            "create_index: {table: users, name: by_email, columns: [email]}", Part.EXPAND, marks=pytest.mark.long
        ),
        ('update_rows: {table: users, set: {email: "lower(email)"}, where: "email <> lower(email)"}', Part.SEAL),
        ('add_check: {table: users, name: filled, expression: "length(email) > 1"}', Part.HIDE),
        ("sql: {expand: [{run: CREATE SEQUENCE s, undo: DROP SEQUENCE s}]}", Part.EXPAND),
    ],
)
def test_a_plan_that_hides_nothing_records_with_its_last_step(database: Database, change: str, part: Part) -> None:
    make(database)
    plan = plan_of(change, migrations=ALONE)
    with Engine(database.url) as engine:
        [step] = [s for s in engine.explain(plan).program.steps if "record 2_mail" in s.title]
        assert step.part is part
        engine.advance(plan, to=State.BACKFILLED)
        engine.approve("mail", Phase.CONTRACT, "alice") if part is Part.HIDE else None
        assert engine.advance("mail").state is State.CONTRACTED
    assert database.execute(READ["goose"]) == [(0, True), (1, True), (2, True)]


LATER: dict[str, LiteralString] = {
    "drizzle": "INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('x', 3000)",
    "flyway": "INSERT INTO flyway_schema_history VALUES (3, '2', 'x', 'SQL', 'V2__x.sql', 1, 'x', now(), 1, true)",
    "golang-migrate": "UPDATE schema_migrations SET version = 3",
    "goose": "INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, true)",
    "node-pg-migrate": "INSERT INTO pgmigrations (name, run_on) VALUES ('1780000000000_x', now())",
}


def test_a_row_behind_which_others_are_recorded_is_not_taken_back_from_a_tool_that_would_pass_it_over(
    database: Database,
) -> None:
    make(database)
    plan = plan_of(RENAME, more="retain: 1h")
    with Engine(database.url) as engine:
        engine.advance(plan, to=State.BACKFILLED)
        engine.approve("mail", Phase.CONTRACT, "alice")
        engine.contract("mail")
        for later in LATER.values():
            database.execute(later)
        before = histories(database)
        with pytest.raises(WouldDiscard) as error:
            engine.revert("mail")
        assert len(error.value.would_destroy) == len(LATER)
        assert "the place of 2_mail in public.schema_migrations: others are recorded behind it" in str(error.value)
        assert engine.status("mail").state is State.RETAINED
    assert histories(database) == before


def test_a_row_that_somebody_wrote_meanwhile_is_not_written_twice(database: Database) -> None:
    make(database)
    plan = plan_of(RENAME, migrations=f"\n  - {{tool: drizzle, name: 0001_mail, checksum: {SUM}, created_at: 2000}}")
    with Engine(database.url) as engine:
        engine.advance(plan, to=State.BACKFILLED)
        database.execute(
            sql.SQL("INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ({}, 2000)").format(
                sql.Literal(SUM)
            )
        )
        engine.approve("mail", Phase.CONTRACT, "alice")
        engine.contract("mail")
    assert database.execute(READ["drizzle"]) == [("a" * 64, 1000), (SUM, 2000)]


AFTER_ANOTHER = f"""
  - {{tool: drizzle, name: 0002_mail, checksum: {SUM}, created_at: 3000, after: 0001_more}}
  - {{tool: flyway, name: V3__mail, checksum: "3", after: V2__more}}
  - {{tool: golang-migrate, name: 3_mail, after: 2_more}}
  - {{tool: goose, name: 3_mail, after: 2_more}}
  - {{tool: node-pg-migrate, name: 1790000000000_mail, after: 1780000000000_more}}
  - {{tool: prisma, name: 20260303000000_mail, checksum: {SUM}}}
"""
RECORDED: tuple[LiteralString, ...] = (
    "INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('x', 2000)",
    "INSERT INTO flyway_schema_history VALUES (2, '2', 'more', 'SQL', 'V2__more.sql', 1, 'x', now(), 1, true)",
    "UPDATE schema_migrations SET version = 2",
    "INSERT INTO goose_db_version (version_id, is_applied) VALUES (2, true)",
    "INSERT INTO pgmigrations (name, run_on) VALUES ('1780000000000_more', now())",
)
TAKEN_BACK: tuple[LiteralString, ...] = (
    "DELETE FROM drizzle.__drizzle_migrations WHERE created_at = 2000",
    "DELETE FROM flyway_schema_history WHERE version = '2'",
    "UPDATE schema_migrations SET version = 1",
    "DELETE FROM goose_db_version WHERE version_id = 2",
    "DELETE FROM pgmigrations WHERE name LIKE '%more'",
)
FAILED: LiteralString = (
    "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('x', '', '20260303000000_mail')"
)


def test_nothing_is_hidden_while_what_comes_before_is_taken_back_or_the_tool_has_stopped(database: Database) -> None:
    make(database)
    earlier = f"\n  - {{tool: drizzle, name: 0001_more, checksum: {SUM}, created_at: 2000}}"
    with Engine(database.url) as engine:
        # By this run it is known which time 0001_more has.
        engine.start(plan_of(RENAME, migrations=earlier).model_copy(update={"name": "more"}))
        for statement in RECORDED:
            database.execute(statement)
        engine.advance(plan_of(RENAME, migrations=AFTER_ANOTHER), to=State.BACKFILLED)
        for statement in (*TAKEN_BACK, FAILED):
            database.execute(statement)
        before = histories(database)
        engine.approve("mail", Phase.CONTRACT, "alice")
        with pytest.raises(GateBlocked) as error:
            engine.contract("mail")
        assert str(error.value).count("comes before it and is not recorded; once ") == 5
        assert "prisma has stopped, since 20260303000000_mail has begun and not ended" in str(error.value)
        assert (engine.status("mail").state, histories(database)) == (State.BACKFILLED, before)
        for statement in (*RECORDED, "DELETE FROM _prisma_migrations WHERE finished_at IS NULL"):
            database.execute(statement)
        assert engine.contract("mail").state is State.CONTRACTED
    assert database.execute(READ["golang-migrate"]) == [(3, False)]


def test_a_deployment_that_fails_while_it_is_waited_for_calls_contract_off(database: Database) -> None:
    make(database)
    tool = database.connect(autocommit=True)

    def meanwhile(event: Event) -> None:
        if isinstance(event, LockWaited):
            database.execute(FAILED)
            tool.close()

    covered = f"\n  - {{tool: prisma, name: 20260303000000_mail, checksum: {SUM}}}"
    with Engine(database.url, emit=meanwhile) as engine:
        engine.advance(plan_of(RENAME, migrations=covered), to=State.BACKFILLED)
        engine.approve("mail", Phase.CONTRACT, "alice")
        tool.execute("SELECT pg_advisory_lock(72707369)")
        with pytest.raises(GateBlocked, match="prisma has stopped"):
            engine.contract("mail")
        assert engine.status("mail").state is State.BACKFILLED
    assert database.execute("SELECT count(email), (SELECT count(*) FROM _prisma_migrations) FROM users") == [(2, 2)]


def test_the_step_that_records_is_not_run_while_the_tool_has_stopped(database: Database) -> None:
    make(database)

    def meanwhile(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "migrations/contract":
            database.execute("UPDATE schema_migrations SET version = 2, dirty = true")

    plan = plan_of(
        "create_index: {table: users, name: by_email, columns: [email]}",
        migrations="\n  - {tool: golang-migrate, name: 2_mail}",
    )
    with Engine(database.url, emit=meanwhile) as engine, pytest.raises(GateBlocked, match="the database is dirty"):
        engine.advance(plan)
    database.execute("UPDATE schema_migrations SET version = 1, dirty = false")
    with Engine(database.url) as engine:
        assert engine.advance("mail").state is State.CONTRACTED
    assert database.execute(READ["golang-migrate"]) == [(2, False)]


def test_the_step_waits_for_the_lock_that_the_tool_holds(database: Database) -> None:
    make(database)
    plan = plan_of(
        RENAME,
        migrations=f"\n  - {{tool: prisma, name: 2_mail, checksum: {SUM}}}",
        more="locks: {timeout: 5ms, give_up_after: 5ms}",
    )
    with Engine(database.url) as engine:
        engine.advance(plan, to=State.BACKFILLED)
        engine.approve("mail", Phase.CONTRACT, "alice")
        tool = database.connect(autocommit=True)
        tool.execute("SELECT pg_advisory_lock(72707369)")
        with pytest.raises(LockNotAcquired):
            engine.contract("mail")
        assert database.execute("SELECT count(*) FROM _prisma_migrations") == [(1,)]
        tool.execute("SELECT pg_advisory_unlock(72707369)")
        assert engine.contract("mail").state is State.CONTRACTED
    assert database.execute("SELECT count(*) FROM _prisma_migrations") == [(2,)]


OTHER_FILE = "-- migrate:up\nALTER TABLE users RENAME email TO mail;\n-- migrate:down\nSELECT 1;\n"
REFUSED: dict[str, tuple[LiteralString, str]] = {
    "no_history": ("DROP TABLE goose_db_version", "{tool: goose, name: 2_mail}"),
    "recorded_already": ("SELECT 1", "{tool: goose, name: 1_init}"),
    "history_halted": ("UPDATE schema_migrations SET dirty = true", "{tool: golang-migrate, name: 2_mail}"),
    "hides_pending": ("SELECT 1", "{tool: golang-migrate, name: 3_mail, after: 2_more}"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_be_recorded_rightly_is_refused(database: Database, code: str) -> None:
    make(database)
    before, migration = REFUSED[code]
    database.execute(before)
    assert refusals(database, plan_of(RENAME, migrations=f"\n  - {migration}")) == [code]


def test_a_table_that_is_not_the_tools_and_one_that_may_not_be_written_are_refused(database: Database) -> None:
    make(database)
    other = plan_of(RENAME, migrations=f"\n  - {{tool: drizzle-1, name: 20260202000000_x, checksum: {SUM}}}")
    assert refusals(database, other) == ["no_history"]
    database.execute("CREATE ROLE crossfade_test_history LOGIN; ALTER TABLE users OWNER TO crossfade_test_history")
    database.execute("GRANT CREATE ON SCHEMA public TO crossfade_test_history")
    url = database.server.url(database.name, user="crossfade_test_history")
    database.execute("GRANT SELECT ON goose_db_version TO crossfade_test_history")
    with Engine(url) as engine:
        assert "no_history" in [r.code for r in engine.check(plan_of(RENAME, migrations=ALONE)).refusals]


def test_a_file_that_is_there_has_to_be_the_one_that_the_plan_covers(database: Database, tmp_path: Path) -> None:
    make(database)
    home = tmp_path / "prisma" / "migrations" / "20260202000000_mail"
    home.mkdir(parents=True)
    file = home / "migration.sql"
    file.write_text("ALTER TABLE users RENAME email TO mail;\n", encoding="utf-8")
    summed = "1a31e2e61a1a9c8cc02bfb9ecd7e6d2eb9d5f4a3e4f4bd9b54a4fd02ae37f0c9"
    covered = f"\n  - {{tool: prisma, name: {home.name}, file: {file}, checksum: {summed}}}"
    assert refusals(database, plan_of(RENAME, migrations=covered)) == ["migration_changed"]
    covered = covered.replace(summed, _sum(file))
    assert refusals(database, plan_of(RENAME, migrations=covered)) == []


def test_the_folder_tells_what_comes_before(database: Database, tmp_path: Path) -> None:
    """By the name alone nobody would know that the second is not recorded."""
    make(database)
    for name in ("00001_init", "00002_more", "00003_mail"):
        (tmp_path / f"{name}.sql").write_text("-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1;\n", encoding="utf-8")
    last = f"\n  - {{tool: goose, name: 00003_mail, file: {tmp_path / '00003_mail.sql'}}}"
    assert refusals(database, plan_of(RENAME, migrations=last)) == ["hides_pending"]
    both = f"\n  - {{tool: goose, name: 00002_more}}{last}"
    assert refusals(database, plan_of(RENAME, migrations=both)) == []


def test_a_repeatable_script_has_no_place_among_the_versions(database: Database) -> None:
    make(database)
    views = '\n  - {tool: flyway, name: R__views, checksum: "7", after: V2__more}'
    assert refusals(database, plan_of(RENAME, migrations=views)) == []


def test_expand_refuses_as_check_does(database: Database) -> None:
    make(database)
    database.execute("DROP TABLE goose_db_version")
    with Engine(database.url) as engine, pytest.raises(PreflightRefused, match="goose has no such table"):
        engine.expand(plan_of(RENAME, migrations=ALONE))


def _sum(file: Path) -> str:
    from hashlib import sha256

    return sha256(file.read_bytes()).hexdigest()
