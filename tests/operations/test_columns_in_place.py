"""Columns that are added, dropped and set: what is refused, what is done at once, what guards a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.errors import GateBlocked, WouldDiscard
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

SETUP = """
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);
CREATE DOMAIN seven AS int DEFAULT 7;
CREATE DOMAIN token AS uuid DEFAULT gen_random_uuid();
CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL, name text DEFAULT 'n', size numeric,
    search text GENERATED ALWAYS AS (lower(email)) STORED, number int GENERATED ALWAYS AS IDENTITY,
    login text NOT NULL, phone text NOT NULL);
CREATE TABLE log (id bigint NOT NULL, line text);
CREATE TABLE posts (author int REFERENCES users, name text);
CREATE VIEW names AS SELECT name FROM users;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.login := trim(NEW.login); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION touch();
"""
LARGE = """
CREATE TABLE large (id int NOT NULL, filler char(1900) DEFAULT 'x', search int GENERATED ALWAYS AS (id) STORED);
INSERT INTO large SELECT generate_series(1, 5000);
"""


def plan(*changes: str, name: str = "columns") -> Plan:
    entries = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: {name}\nhold: 0s\nchanges:\n{entries}", "plan.yaml")


REFUSED = {
    "add_column: {table: users, name: email, type: text}": "name_taken",
    "add_column: {table: users, name: x, type: nothing}": "no_such_type",
    "add_column: {table: users, name: x, type: int, default: 'no_such()'}": "expression",
    "add_column: {table: users, name: x, type: text, fill: 'random()::text'}": "volatile",
    "add_column: {table: users, name: x, type: text, fill: search}": "generated_column",
    "add_column: {table: users, name: x, type: int, default: '1', check: 'x > 1'}": "expression",
    "add_column: {table: users, name: x, type: int, references: {table: log}}": "no_key",
    "drop_column: {table: users, column: name}": "dependent",
    "drop_column: {table: users, column: id, reverse: '1'}": "dependent",
    "drop_column: {table: users, column: phone}": "no_value",
    "drop_column: {table: users, column: login, reverse: name}": "trigger_function",
    "drop_column: {table: users, column: number, reverse: '1'}": "has_value",
    "drop_not_null: {table: users, column: id}": "primary_key",
    "drop_not_null: {table: users, column: number}": "identity_column",
    "drop_not_null: {table: users, column: name}": "nothing_to_do",
    "drop_default: {table: users, column: email}": "nothing_to_do",
    "drop_default: {table: users, column: number}": "identity_column",
    "set_default: {table: users, column: search, value: '1'}": "generated_column",
    "set_default: {table: users, column: name, value: 'email'}": "expression",
    "set_storage: {table: users, column: id, storage: main}": "expression",
    "set_generated: {table: users, column: name}": "not_generated",
    "set_identity: {table: users, column: name, generated: always}": "not_identity",
    "set_identity: {table: log, column: id, generated: always}": "not_identity",
    "set_identity: {table: users, column: number, generated: always}": "nothing_to_do",
    "add_column: {table: large, name: x, type: even}": "rewrite",
    "add_column: {table: users, name: x, type: seven, fill: '1'}": "has_value",
    "add_column: {table: large, name: x, type: token}": "rewrite",
    "add_column: {table: large, name: x, type: int, identity: always}": "rewrite",
    "add_column: {table: large, name: x, type: int, generated: {expression: id + 1}}": "rewrite",
    "set_generated: {table: large, column: search, expression: id + 1}": "rewrite",
}


@pytest.mark.long
def test_what_cannot_be_done_without_a_pause_is_refused_by_its_name(database: Database) -> None:
    database.execute(SETUP)
    database.execute(LARGE)
    with Engine(database.url) as engine:
        told = {change: {r.code for r in engine.check(plan(change)).refusals} for change in REFUSED}
    assert told == {change: {code} for change, code in REFUSED.items()}


TOUCHED = """
SELECT n_tup_ins, n_tup_upd, n_tup_del, seq_tup_read, relfilenode FROM pg_stat_all_tables
JOIN pg_class ON pg_class.oid = relid WHERE relid = 'large'::regclass
"""
AT_ONCE = {
    "add_column: {table: large, name: x, type: int}",
    "add_column: {table: large, name: x, type: int, nullable: false, default: '7'}",
    "add_column: {table: large, name: x, type: timestamptz, default: now()}",
    "set_default: {table: large, column: id, value: '7'}",
    "set_comment: {table: large, column: id, comment: a number}",
    "drop_not_null: {table: large, column: id}",
}


@pytest.mark.every_server
def test_a_change_of_the_catalog_touches_no_row_and_reads_none(database: Database) -> None:
    """The same over a million rows is in tests/stress/test_in_place.py."""
    database.execute(LARGE)
    with Engine(database.url) as engine:
        engine.init()
        database.execute("SELECT pg_stat_force_next_flush()")
        before = database.execute(TOUCHED)
        for number, change in enumerate(sorted(AT_ONCE)):
            steps = engine.explain(plan(change)).program.steps
            assert not any(s.rewrites or s.scans for s in steps), change
            engine.start(plan(change.replace(" x,", f" x{number},"), name=f"run-{number}"))
            engine.approve(f"run-{number}", Phase.CONTRACT, "alice")
            assert engine.advance(f"run-{number}").state is State.CONTRACTED
    assert database.execute(TOUCHED) == before


def test_where_old_versions_could_break_a_constraint_it_waits_for_contract(database: Database) -> None:
    database.execute(SETUP)
    change = (
        "add_column: {table: users, name: x, type: int, fill: length(email), nullable: false, check: 'x > 5', "
        "unique: true, references: {table: users, column: id}}"
    )
    with Engine(database.url) as engine:
        steps = engine.explain(plan(change)).program.steps
    assert [s.part for s in steps if s.id.endswith("/add") and s.id.count("/") == 1] == [Part.EXPAND]
    counting = [s for s in steps if "watch/" in s.id]
    assert {s.part for s in counting} == {Part.EXPAND, Part.DROP}
    assert {s.part for s in steps if s not in counting and not s.id.endswith(".add_column/add")} == {Part.HIDE}


@pytest.mark.long
def test_an_old_versions_write_goes_through_where_fill_fails_and_contract_does_not_begin(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1)")
    filled = plan("add_column: {table: t, name: b, type: int, nullable: false, fill: 100 / a}")
    with Engine(database.url) as engine:
        engine.start(filled)
        engine.approve("columns", Phase.CONTRACT, "alice")
        engine.advance("columns", to=State.BACKFILLED)
        database.execute("INSERT INTO t VALUES (2, 0)")
        assert database.execute("SELECT id, b FROM t ORDER BY id") == [(1, 100), (2, None)]
        with pytest.raises(GateBlocked, match=r"1 row of public\.t violates NOT NULL of b"):
            engine.contract("columns")
        assert engine.status("columns").state is State.BACKFILLED
        database.execute("UPDATE t SET b = 0 WHERE id = 2")
        assert engine.contract("columns").state is State.CONTRACTED


@pytest.mark.long
def test_a_rollback_stops_where_it_would_destroy_what_only_a_new_version_wrote(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'A'), (2, NULL)")
    before = database.dump()
    with Engine(database.url) as engine:
        engine.start(plan("add_column: {table: t, name: b, type: text, fill: lower(a)}"))
        engine.advance("columns", to=State.BACKFILLED)
        database.execute("UPDATE t SET b = 'written' WHERE id = 2")
        with pytest.raises(WouldDiscard) as raised:
            engine.rollback("columns")
        assert engine.status("columns").state is State.BACKFILLED
        assert raised.value.exit_code == 5
        (would_destroy,) = raised.value.would_destroy
        assert would_destroy.startswith("values of b in public.t that differ from what its fill gives now: ")
        database.execute("UPDATE t SET b = 'a' WHERE id = 1; UPDATE t SET b = NULL WHERE id = 2")
        assert engine.rollback("columns").state is State.ROLLED_BACK
        assert database.dump() == before


def test_what_is_given_up_by_a_word_is_destroyed(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'A')")
    with Engine(database.url) as engine:
        changes = (
            "rename_column: {table: t, from: a, to: c}",
            "add_column: {table: t, name: b, type: text, default: \"'d'\"}",
        )
        engine.start(plan(*changes))
        engine.advance("columns", to=State.EXPANDED)
        database.execute("INSERT INTO t VALUES (2, 'x', 'x', 'd')")
        database.execute("UPDATE t SET b = 'e' WHERE id = 2")
        with pytest.raises(WouldDiscard):
            engine.rollback("columns")
        assert engine.rollback("columns", discard=True).state is State.ROLLED_BACK


def test_a_value_written_while_the_rollback_is_at_work_stops_it_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look finds nothing; what comes between it and the undo is found by the second."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'A')")
    monkeypatch.setattr(
        "crossfade.workflow.driving.look_before_turning",
        lambda *_: database.execute("UPDATE t SET b = 'written'"),
    )
    with Engine(database.url) as engine:
        engine.start(plan("add_column: {table: t, name: b, type: text, fill: lower(a)}"))
        engine.advance("columns", to=State.BACKFILLED)
        with pytest.raises(WouldDiscard):
            engine.rollback("columns")
        assert engine.status("columns").state is State.ROLLING_BACK
        assert database.execute("SELECT b FROM t") == [("written",)]
        assert engine.rollback("columns", discard=True).state is State.ROLLED_BACK


@pytest.mark.long
def test_what_a_plan_adds_its_later_changes_can_use(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text)")
    with Engine(database.url) as engine:
        done = engine.explain(
            plan(
                "rename_column: {table: t, from: a, to: b}",
                "add_column: {table: t, name: c, type: text, check: c <> b}",
                "set_comment: {table: t, column: c, comment: new}",
                "set_default: {table: t, column: c, value: \"'x'\"}",
            )
        ).program
        sent = [s.text for step in done.steps if step.part is Part.EXPAND for s in step.statements]
        assert any("CHECK (c <> a)" in text for text in sent)
        engine.start(
            plan(
                "rename_column: {table: t, from: a, to: b}",
                "add_column: {table: t, name: c, type: text, check: c <> b}",
            )
        )
        engine.approve("columns", Phase.CONTRACT, "alice")
        assert engine.advance("columns").state is State.CONTRACTED
    assert database.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 't_check'") == [
        ("CHECK ((c <> b))",)
    ]


@pytest.mark.long
def test_a_comment_of_a_partitioned_table_is_none_of_its_partitions(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY RANGE (id)")
    database.execute("CREATE TABLE p PARTITION OF t DEFAULT")
    with Engine(database.url) as engine:
        comment = "set_comment: {table: t, column: a, comment: new}"
        engine.start(plan(comment, "change_type: {table: t, column: a, to: bigint}"))
        engine.approve("columns", Phase.CONTRACT, "alice")
        assert engine.advance("columns").state is State.CONTRACTED
    found = database.execute(
        "SELECT attrelid::regclass::text, col_description(attrelid, attnum) FROM pg_attribute"
        " WHERE attname = 'a' AND attrelid IN ('t'::regclass, 'p'::regclass) ORDER BY 1"
    )
    assert found == [("p", None), ("t", "new")]


def test_identity_goes_on_behind_the_greatest_number(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (41, 'A')")
    with Engine(database.url) as engine:
        engine.start(plan("set_identity: {table: t, column: id, generated: by default}"))
        assert engine.advance("columns").state is State.CONTRACTED
    assert database.execute("INSERT INTO t (a) VALUES ('B') RETURNING id") == [(42,)]


ODD = """
CREATE SCHEMA "Odd.Schema";
CREATE TABLE "Odd.Schema"."My ""Table" (id int, "select" text NOT NULL, "a.b" int, PRIMARY KEY (id, "a.b"))
    PARTITION BY RANGE ("a.b");
CREATE TABLE "Odd.Schema".low PARTITION OF "Odd.Schema"."My ""Table" FOR VALUES FROM (MINVALUE) TO (10);
CREATE TABLE "Odd.Schema".rest PARTITION OF "Odd.Schema"."My ""Table" DEFAULT;
INSERT INTO "Odd.Schema"."My ""Table" SELECT g, 'v' || g, g FROM generate_series(1, 20) g;
"""
ODD_TABLE = """table: '"Odd.Schema"."My ""Table"'"""
ODD_FILL = """fill: '"select" || 1', check: '"New ""Column" <> "select"', comment: "it's" """
ODD_CHANGES = (
    f"""add_column: {{{ODD_TABLE}, name: 'New "Column', type: text, nullable: false, {ODD_FILL}}}""",
    f"""drop_column: {{{ODD_TABLE}, column: select, reverse: '"a.b"::text'}}""",
    f"""add_column: {{{ODD_TABLE}, name: '%s {{}}', type: int, default: '7'}}""",
)


@pytest.mark.long
@pytest.mark.alike
def test_odd_names_in_partitions_there_and_back(database: Database) -> None:
    database.execute(ODD)
    before = database.dump()
    with Engine(database.url) as engine:
        for change in ODD_CHANGES[:2]:
            engine.start(plan(change))
            engine.advance("columns", to=State.BACKFILLED)
            assert engine.rollback("columns").state is State.ROLLED_BACK
            assert database.dump() == before
        for number in (0, 2):
            engine.start(plan(ODD_CHANGES[number], name=f"run-{number}"))
            engine.approve(f"run-{number}", Phase.CONTRACT, "alice")
            assert engine.advance(f"run-{number}").state is State.CONTRACTED
    assert database.execute('SELECT t::text FROM "Odd.Schema"."My ""Table" AS t WHERE id = 12') == [
        ("(12,v12,12,v121,7)",)
    ]


@pytest.mark.long
@pytest.mark.alike
def test_triggers_fill_the_rows_of_inheritance_children_too(database: Database) -> None:
    database.execute("CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE child (b int) INHERITS (t)")
    with Engine(database.url) as engine:
        engine.start(plan("add_column: {table: t, name: c, type: text, fill: upper(a)}"))
        engine.approve("columns", Phase.CONTRACT, "alice")
        engine.advance("columns", to=State.EXPANDED)
        database.execute("INSERT INTO child (id, a) VALUES (1, 'x')")
        assert engine.advance("columns").state is State.CONTRACTED
    assert database.execute("SELECT c FROM child") == [("X",)]
    assert database.execute("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~%'") == [(0,)]
