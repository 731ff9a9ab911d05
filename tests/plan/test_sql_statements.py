"""Statements of a plan's own: what is wrong with one is said in the file, with what to write instead."""

from __future__ import annotations

import pytest
from pydantic_core import PydanticCustomError

from crossfade.errors import InvalidPlan
from crossfade.plan.load import parse_plan
from crossfade.plan.model import Plan
from crossfade.plan.names import TableName
from crossfade.plan.sql_statements import SqlStatement


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("CREATE SEQUENE s", 'syntax error at or near "SEQUENE", in line 1 of it, character 8', "correct it"),
        ("SELECT é,\n 1 fromm x y", 'near "x", in line 2 of it, character 10', "correct it"),
        ("SELECT 1; SELECT 2", "2 statements in one entry", "an entry of its own"),
        ("", "an empty statement", "remove the entry"),
        ("-- nothing", "a comment without a statement", "of the YAML file"),
        (r"\d users", "a command of psql", "the statement itself"),
        ("BEGIN", "begins, ends or divides a transaction", "crossfade begins and ends"),
        ("SAVEPOINT a", "begins, ends or divides a transaction", "crossfade begins and ends"),
        ("COPY users FROM STDIN", "reads or writes a file", "copy_rows"),
        ("EXPLAIN SELECT 1", "changes nothing", "crossfade explain"),
        ("DISCARD ALL", "nothing that lasts", "the run's session"),
        ("CREATE DATABASE other", "about another database", "by hand"),
        ("SET lock_timeout = 0", "lock_timeout is the run's own", "give_up_after"),
        ("SET LOCAL search_path TO shop", "search_path is the run's own", "write the schema"),
        ("SET ROLE app", "role is the run's own", "connect as"),
        ("SET SESSION AUTHORIZATION app", "session_authorization is the run's own", "connect as"),
        ("SET work_mem = '1GB'", "would stay set", "SET LOCAL"),
        ("RESET ALL", "all settings would stay set", "SET LOCAL"),
        ("DELETE FROM users WHERE id = $1", "a parameter", "the value itself"),
    ],
)
def test_what_a_run_cannot_send_is_refused(text: str, says: str, hint: str) -> None:
    with pytest.raises(PydanticCustomError) as refused:
        SqlStatement.parse(text)
    assert says in refused.value.message()
    assert hint in str((refused.value.context or {})["hint"])


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("  SELECT 1 ;  ", "SELECT 1"),
        ("SELECT 'é; ' ; -- done", "SELECT 'é; '"),
        ("-- why\nSELECT   1", "-- why\nSELECT   1"),
        ("SET LOCAL work_mem = '1GB'", "SET LOCAL work_mem = '1GB'"),
        ("CREATE FUNCTION f() RETURNS int AS $$ SELECT 1; $$;", "CREATE FUNCTION f() RETURNS int AS $$ SELECT 1; $$"),
    ],
)
def test_the_rest_is_sent_as_it_is_written(text: str, sent: str) -> None:
    assert SqlStatement.parse(text).text == sent


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ALTER TABLE shop.users ADD COLUMN x int", ["shop.users"]),
        ('DROP TABLE a, "Odd.S"."T t"', ["a", '"Odd.S"."T t"']),
        ("DROP TRIGGER t ON shop.users", ["shop.users"]),
        ("DROP INDEX CONCURRENTLY shop.i", ["shop.i"]),
        ("COMMENT ON COLUMN users.email IS 'x'", ["users"]),
        ("WITH x AS (SELECT * FROM a) INSERT INTO b SELECT * FROM x JOIN c.x USING (id)", ["b", "a", "c.x"]),
        ("CREATE VIEW v AS SELECT (SELECT max(id) FROM a) FROM b", ["v", "a", "b"]),
        ("DROP FUNCTION f()", []),
        ("DO $$ BEGIN DROP TABLE a; END $$", []),
    ],
)
def test_the_relations_that_it_names(text: str, names: list[str]) -> None:
    assert set(SqlStatement.parse(text).relations) == {TableName.parse(name) for name in names}


def plan_of(entry: str) -> Plan:
    return parse_plan(f"crossfade: 1\nname: own\nchanges:\n  - sql: {entry}\n", "plan.yaml")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{expand: [^SELECT 1]}", "nothing says how this statement is taken back"),
        ("{contract: [^DROP TABLE a]}", "put it under `drop`"),
        ("{expand: [^BEGIN]}", "begins, ends or divides"),
        ("{expand: [{run: SELECT 1, undo: ^SELEC}]}", "no SQL that PostgreSQL reads"),
        ("{expand: [{run: SELECT 1, undo: ^SELECT 2}], rollback: [SELECT 2]}", "and so does `undo`"),
        ("{expand: [VACUUM], drop: ^[SELECT 1]}", "`drop` without `contract`"),
        ("{expand: [VACUUM], revert: ^[SELECT 1]}", "there is no `contract`"),
        ("{expand: [SELECT 1], irreversible: ^true}", "without a reason"),
        ("{expand: [VACUUM], reason: ^so}", "why a statement cannot be taken back"),
        ("{expand: [VACUUM], irreversible: ^true, reason: so}", "every statement says how"),
        ("^{}", "without a statement"),
        ("{expand: [{run: VACUUM, ^udno: VACUUM}]}", "did you mean `undo`?"),
        ("{expand: [^5]}", "expected a mapping; got `5`"),
        ("{expand: [{run: VACUUM, done: ^DELETE FROM a}]}", "expected a SELECT"),
        ("{^backfill: {table: a, set: {b: c}}}", "`where` is missing"),
    ],
)
def test_what_is_wrong_with_a_change_is_said_where_it_stands(entry: str, says: str) -> None:
    """At the caret."""
    with pytest.raises(InvalidPlan) as refused:
        plan_of(entry.replace("^", ""))
    [problem] = refused.value.problems
    assert says in str(problem)
    assert problem.column == len("  - sql: ") + entry.index("^") + 1


def test_a_plan_is_read_back_as_it_was() -> None:
    plan = plan_of(
        "{expand: [VACUUM, {run: SELECT 1;, undo: SELECT 2}], backfill: {table: a, set: {b: c}, where: b IS NULL}, "
        "contract: [SELECT 3], irreversible: true, reason: so, drop: [DROP TABLE x], note: n}"
    )
    assert Plan.from_json(plan.as_json()) == plan
