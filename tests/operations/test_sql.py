"""`sql`: what it compiles to, what is refused and why, and how far a run with it can be taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from crossfade.cli.explanation import page
from crossfade.errors import Irreversible, PreflightRefused, StepFailed
from crossfade.operations.raw_sql import sql_preflight
from crossfade.operations.step import Part, Phase
from crossfade.plan.changes import Change
from crossfade.plan.entries import kinds_of
from crossfade.plan.load import parse_plan
from crossfade.plan.model import Plan
from crossfade.postgres.catalog import QualifiedName
from crossfade.workflow.engine import Engine
from crossfade.workflow.program import Compilation, compile_plan, from_json
from crossfade.workflow.states import State

from .data_cases import catalog, keyed
from .life.leftovers import assert_nothing_left

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Table

    from ..fixtures.database import Database

SMALL = replace(keyed("public", "users", "id", "email"), oid=1, size_bytes=2**20)
LARGE = replace(SMALL, size_bytes=2**30)


def plan(*entries: str, more: str = "") -> Plan:
    """A plan of these changes in flow style, without gates that have to hold."""
    listed = "".join(f"  - {entry}\n" for entry in entries)
    return parse_plan(f"crossfade: 1\nname: own\nhold: 0s\n{more}\nchanges:\n{listed}", "plan.yaml")


def compiled(*entries: str, table: Table = LARGE) -> Compilation:
    return compile_plan(plan(*entries), catalog(table))


def codes(*entries: str, table: Table = LARGE) -> set[tuple[str, str | None]]:
    return {(r.code, r.ack) for r in compiled(*entries, table=table).refusals}


def bare(phase: str, statement: str) -> str:
    """A change with this statement, which nothing takes back."""
    return f"""sql:
      {phase}:
        - SELECT 1
        - |-
          {statement}
      irreversible: true
      reason: so it is"""


# Steps


def test_neighbours_share_a_transaction_and_what_cannot_runs_alone() -> None:
    found = compiled(
        """sql:
      expand:
        - {run: CREATE SEQUENCE s, undo: DROP SEQUENCE IF EXISTS s}
        - {run: ALTER TABLE users ADD COLUMN n int, undo: ALTER TABLE users DROP COLUMN IF EXISTS n}
        - CREATE INDEX CONCURRENTLY users_n ON users (n);
        - VACUUM users
      contract:
        - {run: COMMENT ON TABLE users IS 'new', undo: COMMENT ON TABLE users IS NULL}
      drop: [DROP SEQUENCE s]"""
    )
    assert found.refusals == ()
    steps = found.program.steps
    assert [(s.id, s.part, s.transactional) for s in steps] == [
        ("1.sql/expand/1", Part.EXPAND, True),
        ("1.sql/expand/2", Part.EXPAND, False),
        ("1.sql/expand/3", Part.EXPAND, False),
        ("1.sql/contract/1", Part.HIDE, True),
        ("1.sql/drop/1", Part.DROP, True),
    ]
    assert [s.text for s in steps[0].statements[1:-1]] == ["CREATE SEQUENCE s", "ALTER TABLE users ADD COLUMN n int"]
    assert [s.text for s in steps[0].undo[1:-1]] == [
        "ALTER TABLE users DROP COLUMN IF EXISTS n",
        "DROP SEQUENCE IF EXISTS s",
    ]
    assert [s.text for s in steps[1].statements] == ["CREATE INDEX CONCURRENTLY users_n ON users (n)"]
    assert [s.text for s in steps[1].undo] == ['DROP INDEX CONCURRENTLY IF EXISTS "public"."users_n"']
    assert steps[1].cleanup
    assert steps[2].undo == steps[4].undo == ()
    assert from_json(found.program.as_json()) == found.program


def test_one_list_takes_a_phase_back() -> None:
    found = compiled("sql: {contract: [DROP VIEW IF EXISTS v, SELECT 1], revert: [CREATE VIEW v AS SELECT 1]}")
    [step] = found.program.steps
    assert [s.text for s in step.undo[1:-1]] == ["CREATE VIEW v AS SELECT 1"]
    assert step.irreversible is None


def test_only_what_nothing_takes_back_is_irreversible() -> None:
    found = compiled(
        """sql:
      expand: [{run: CREATE SEQUENCE s, undo: DROP SEQUENCE s}]
      contract: [ALTER TABLE users DROP COLUMN email]
      irreversible: true
      reason: nobody keeps them"""
    )
    assert [s.irreversible for s in found.program.steps] == [None, "nobody keeps them"]


def test_a_later_change_sees_what_the_statements_leave() -> None:
    found = compiled(
        """sql:
      expand: [{run: ALTER TABLE users ADD COLUMN region text, undo: ALTER TABLE users DROP COLUMN region}]
      contract: [{run: ALTER TABLE users RENAME COLUMN email TO mail, undo: ALTER TABLE users RENAME mail TO email}]""",
        "set_comment: {table: users, column: region, comment: Where they live.}",
        "sql: {contract: [{run: ALTER TABLE users RENAME COLUMN mail TO email, undo: SELECT 1}]}",
    )
    assert found.refusals == ()
    assert codes(
        "sql: {contract: [DROP TABLE users], irreversible: true, reason: gone}",
        "create_index: {table: users, name: by_email, columns: [email]}",
    ) == {("no_such_table", None)}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY i ON users (email)",
        "ALTER TABLE users ADD COLUMN region text DEFAULT 'eu'",
        "CREATE VIEW v AS SELECT email FROM users",
        "CREATE POLICY p ON users",
    ],
)
def test_a_typed_change_behind_what_it_cannot_see_is_refused(statement: str) -> None:
    rename = "rename_column: {table: users, from: email, to: mail}"
    assert codes(bare("expand", statement), rename, table=SMALL) == {("made_by_sql", None)}
    assert ("made_by_sql", None) not in codes(rename, bare("expand", statement), table=SMALL)


# Refusals


@pytest.mark.parametrize(
    ("statement", "code", "ack"),
    [
        ("ALTER TABLE users ALTER COLUMN email TYPE varchar(9)", "rewrite", "rewrite"),
        ("ALTER TABLE users ADD CONSTRAINT c CHECK (email <> '')", "rewrite", "rewrite"),
        ("CREATE INDEX i ON users (email)", "rewrite", "rewrite"),
        ("VACUUM FULL users", "rewrite", "rewrite"),
        ("DO $$ BEGIN END $$", "opaque", "opaque"),
        ("DELETE FROM users WHERE id = '1'", "rows_at_once", "rows"),
        ("INSERT INTO users SELECT * FROM users", "rows_at_once", "rows"),
        ("WITH x AS (UPDATE users SET email = 'x' RETURNING 1) SELECT * FROM x", "rows_at_once", "rows"),
        ("ALTER TABLE usres ADD COLUMN x int", "no_such_table", None),
        ("CREATE INDEX CONCURRENTLY ON users (email)", "unnamed_index", None),
        ("CREATE INDEX CONCURRENTLY users_pkey ON users (email)", "name_taken", None),
        ("REINDEX INDEX CONCURRENTLY users_pkey", "typed_change", None),
        ("ALTER SYSTEM SET work_mem = 1", "no_done", None),
        ("DROP TABLE crossfade.runs", "unsupported_table", None),
    ],
)
def test_what_would_be_in_the_way_is_refused(statement: str, code: str, ack: str | None) -> None:
    assert (code, ack) in codes(bare("contract", statement))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE users ADD COLUMN x int DEFAULT 1",
        "ALTER TABLE users ADD CONSTRAINT c CHECK (email <> '') NOT VALID",
        "INSERT INTO users VALUES ('1', 'a'), ('2', 'b') ON CONFLICT DO NOTHING",
        "CREATE TABLE other (id int PRIMARY KEY)",
        "TRUNCATE users",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "GRANT SELECT ON users TO PUBLIC",
        "SELECT pg_catalog.setval('s', 1)",
    ],
)
def test_what_is_over_in_a_moment_is_not(statement: str) -> None:
    assert codes(bare("contract", statement)) == set()


def test_a_table_that_was_not_read_may_be_of_any_size() -> None:
    other = QualifiedName("public", "other")
    unread = replace(catalog(LARGE), all_table_names=(LARGE.name, other))
    found = compile_plan(plan(bare("contract", "CREATE INDEX i ON other (x)")), unread)
    assert [(r.code, r.object) for r in found.refusals] == [("rewrite", "public.other")]


def test_a_table_that_the_plan_makes_is_small() -> None:
    made = bare("expand", "CREATE TABLE other AS SELECT 1 AS x")
    assert codes(made, bare("expand", "CREATE INDEX i ON other (x)")) == set()
    assert codes(made, bare("expand", "UPDATE other SET x = 2")) == set()


def test_a_small_table_may_be_read_and_written_at_once() -> None:
    found = compiled(
        "sql: {contract: [CREATE INDEX i ON users (email), UPDATE users SET email = id], "
        "irreversible: true, reason: so it is}",
        table=SMALL,
    )
    assert found.refusals == ()
    assert [c.code for c in found.cautions] == ["rows_at_once"]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE users DROP COLUMN email",
        "ALTER TABLE users RENAME COLUMN email TO mail",
        "ALTER TABLE users RENAME TO people",
        "ALTER TABLE users SET SCHEMA other",
        "DROP TABLE users",
        "TRUNCATE users",
    ],
)
def test_what_breaks_live_versions_belongs_to_contract(statement: str) -> None:
    assert codes(bare("expand", statement)) == {("breaks_live_versions", "breaks")}
    assert codes(bare("contract", statement)) == set()


def test_what_is_made_in_expand_may_go_in_expand() -> None:
    assert codes("sql: {expand: [CREATE TABLE t (), DROP TABLE t], rollback: [DROP TABLE IF EXISTS t]}") == set()


def test_the_typed_changes_that_are_named_exist() -> None:
    named = {
        *sql_preflight.SAFER_SUBCOMMANDS.values(),
        *sql_preflight.SAFER_CONSTRAINTS.values(),
        *sql_preflight.SAFER_STATEMENTS.values(),
    }
    assert named <= set(kinds_of(Change))


def test_turning_back_fits_the_steps() -> None:
    alone = "CREATE INDEX CONCURRENTLY i ON users (email)"
    assert codes(f"sql: {{expand: [SELECT 1, {alone}], rollback: [SELECT 2]}}") == {("several_steps", None)}
    assert codes("sql: {expand: [{run: SELECT 1, undo: VACUUM users}]}") == {("undo_outside", None)}
    assert codes("sql: {expand: [SELECT 1], rollback: [VACUUM users]}") == {("undo_outside", None)}
    assert codes("sql: {expand: [{run: SELECT 1, undo: SELECT 2, done: SELECT true}]}") == {("needless_done", None)}


def test_a_name_that_another_change_gives_away_is_refused() -> None:
    rename = "rename_column: {table: users, from: email, to: mail}"
    early = "sql: {expand: [{run: COMMENT ON COLUMN users.mail IS 'x', undo: SELECT 1}]}"
    late = "sql: {contract: [{run: COMMENT ON COLUMN users.email IS 'x', undo: SELECT 1}]}"
    assert ("other_name", None) in codes(rename, early, table=SMALL)
    assert ("other_name", None) in codes(rename, late, table=SMALL)
    assert ("other_name", None) not in codes(early.replace("mail", "email"), rename, table=SMALL)


# On a server

USERS = """
CREATE SCHEMA shop;
CREATE TABLE shop.users (id int PRIMARY KEY, email text, region text);
INSERT INTO shop.users SELECT g, 'e' || g FROM generate_series(1, 50) g;
"""


def users(database: Database) -> None:
    """The users' own search_path is not the run's."""
    database.execute(USERS)
    database.execute(sql.SQL("ALTER DATABASE {} SET search_path = shop").format(sql.Identifier(database.name)))


FILL = "backfill: {table: users, set: {region: \"'eu'\"}, where: region IS NULL}"


@pytest.mark.long
def test_names_are_found_as_the_users_sessions_find_them(database: Database) -> None:
    users(database)
    own = plan(
        f"""sql:
      expand:
        - {{run: ALTER TABLE users ALTER region SET DEFAULT 'eu', undo: ALTER TABLE users ALTER region DROP DEFAULT}}
        - {{run: CREATE TABLE log (x int), undo: DROP TABLE IF EXISTS log}}
        - CREATE INDEX CONCURRENTLY by_region ON users (region)
      {FILL}"""
    )
    before = database.dump()
    with Engine(database.url) as engine:
        engine.start(own)
        engine.approve("own", Phase.CONTRACT, "alice")
        assert engine.advance(own, to=State.EXPANDED).state is State.EXPANDED
        assert database.execute("SELECT to_regclass('shop.log')::text, to_regclass('shop.by_region')::text") == [
            ("log", "by_region")
        ]
        assert engine.rollback("own").state is State.ROLLED_BACK
        assert database.dump() == before
        assert engine.advance(own).state is State.CONTRACTED
        assert database.execute("SELECT DISTINCT region FROM shop.users") == [("eu",)]
        assert_nothing_left(database, engine)


def test_a_rollback_stops_before_anything_is_changed_where_the_plan_says_so(database: Database) -> None:
    users(database)
    own = plan(
        f"""sql:
      expand:
        - {{run: CREATE TABLE log (x int), undo: DROP TABLE IF EXISTS log}}
        - VACUUM users
        - COMMENT ON TABLE users IS 'the old comment is nowhere else'
      {FILL}
      irreversible: true
      reason: the old comment is not kept"""
    )
    with Engine(database.url) as engine:
        shown = page(engine.explain(own))
        assert "cannot be taken back once it is done: the old comment is not kept" in shown
        assert "lock: SHARE UPDATE EXCLUSIVE on shop.users" in shown
        engine.start(own)
        assert any("once this is done" in w and "is not kept" in w for w in engine.status("own").warnings)
        engine.expand(own)
        with pytest.raises(Irreversible, match=r"rolled back.*COMMENT ON.*the old comment is not kept") as stopped:
            engine.rollback("own")
        assert stopped.value.exit_code == 5
        assert stopped.value.as_json()["reason"] == "the old comment is not kept"
        status = engine.status("own")
        assert status.state is State.EXPANDED
        assert any("cannot be rolled back any more" in w for w in status.warnings)
        assert database.execute("SELECT to_regclass('shop.log') IS NOT NULL") == [(True,)]
        assert engine.advance(own).state is State.CONTRACTED


def test_what_is_not_done_yet_is_not_in_the_way_of_a_rollback(database: Database) -> None:
    """The step that cannot be taken back failed, so that it left nothing."""
    users(database)
    own = plan(
        """sql:
      expand:
        - {run: CREATE TABLE log (x int), undo: DROP TABLE IF EXISTS log}
        - VACUUM users
        - INSERT INTO users VALUES (1, 'there already')
      irreversible: true
      reason: rows stay"""
    )
    before = database.dump()
    with Engine(database.url) as engine:
        engine.start(own)
        with pytest.raises(StepFailed, match="duplicate key"):
            engine.expand(own)
        assert engine.rollback("own").state is State.ROLLED_BACK
    assert database.dump() == before


def test_a_revert_stops_where_contract_cannot_be_taken_back(database: Database) -> None:
    users(database)
    own = plan(
        "sql: {contract: [ALTER TABLE users DROP COLUMN region], irreversible: true, reason: it is dropped}",
        more="retain: 7d",
    )
    with Engine(database.url) as engine:
        engine.start(own)
        engine.approve("own", Phase.CONTRACT, "alice")
        engine.advance(own, to=State.BACKFILLED)
        assert engine.contract(own).state is State.RETAINED
        with pytest.raises(Irreversible, match=r"reverted.*it is dropped"):
            engine.revert("own")
        assert engine.status("own").state is State.RETAINED


@pytest.mark.long
@pytest.mark.every_server
def test_a_statement_outside_a_transaction_is_not_done_twice(database: Database) -> None:
    """What `done` says is believed, and it finds its names as the users' sessions do."""
    users(database)
    database.execute("CREATE TABLE shop.proof (ok boolean); INSERT INTO shop.proof VALUES (true)")
    entry = "sql: {expand: [{run: ALTER SYSTEM SET work_mem = '77kB', undo: SELECT 1, done: SELECT ok FROM proof}]}"
    with Engine(database.url) as engine:
        assert engine.advance(plan(entry)).state is State.CONTRACTED
    assert database.execute("SELECT count(*) FROM pg_file_settings WHERE setting = '77kB'") == [(0,)]


def test_the_question_is_tried_before_anything_is_touched(database: Database) -> None:
    users(database)
    entry = "sql: {expand: [{run: ALTER SYSTEM SET work_mem = '77kB', undo: SELECT 1, done: SELECT id FROM users}]}"
    with Engine(database.url) as engine, pytest.raises(PreflightRefused, match=r"done of expand\.0 of sql"):
        engine.start(plan(entry))


def test_the_rows_to_fill_are_tried_before_anything_is_touched(database: Database) -> None:
    users(database)
    fill = "sql: {backfill: {table: users, set: {region: nothing(id)}, where: region IS NULL}}"
    with Engine(database.url) as engine, pytest.raises(PreflightRefused, match="nothing"):
        engine.start(plan(fill))
    with Engine(database.url) as engine, pytest.raises(PreflightRefused, match="no column regoin"):
        engine.start(plan(fill.replace("{region:", "{regoin:").replace("nothing(id)", "id::text")))


BEHIND = {
    "rename_enum_value: {type: st, from: c, to: cc}": [
        {"run": "ALTER TYPE st RENAME TO st9", "undo": "ALTER TYPE st9 RENAME TO st"},
        {"run": "CREATE VIEW odd AS SELECT a FROM t WHERE e = 'cc'", "undo": "DROP VIEW odd"},
    ],
    "add_foreign_key: {table: t, columns: [a], references: {table: z.q, columns: [id]}, name: k}": [
        {"run": "ALTER SCHEMA z RENAME TO zz", "undo": "ALTER SCHEMA zz RENAME TO z"},
    ],
}


@pytest.mark.long
@pytest.mark.parametrize("first", BEHIND)
def test_what_stands_behind_another_change_is_done_behind_it(database: Database, first: str) -> None:
    """Whatever the turn that the other one has at contract; and the other way round on the way back."""
    database.execute(
        "CREATE SCHEMA z; CREATE TABLE z.q (id int PRIMARY KEY); CREATE TYPE st AS ENUM ('a', 'b', 'c');"
        "CREATE TABLE t (id int PRIMARY KEY, a int, e st)"
    )
    before = database.dump()
    entries = [f"sql: {json.dumps({'contract': [one]})}" for one in BEHIND[first]]
    asked = plan(first, *entries, more="retain: 1h")
    with Engine(database.url) as engine:
        engine.start(asked)
        engine.approve(asked.name, Phase.CONTRACT, "alice")
        assert engine.advance(asked.name).state is State.RETAINED
        engine.revert(asked.name)
        engine.rollback(asked.name)
        assert database.dump() == before
        assert_nothing_left(database, engine)
