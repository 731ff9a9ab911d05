"""The gate `sql`: only true passes, nothing is changed, and neither the caller's transaction nor a setting suffers."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from crossfade.gates.asking import judge_in_database
from crossfade.gates.phase_gates import describe, gates_of
from crossfade.gates.sql_query import Observation, in_words, judge, observe
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import Sql
from crossfade.postgres.connect import connect

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
ENTRY = Sql(query="SELECT true")


def asked(run: Expanded, query: str, *, timeout: str = "5s") -> Judgement:
    """What the gate says of this query, in which `t` is the run's own table."""
    entry = Sql.model_validate({"query": query.replace("FROM t", f"FROM {run.schema}.t"), "timeout": timeout})
    return judge_in_database(run.connection, run.subject, entry, run.look())


def setting(run: Expanded, name: str) -> Any:
    """The setting as the runner's session has it."""
    row = run.connection.execute("SELECT pg_catalog.current_setting(%s)", [name]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("observation", "verdict", "reason"),
    [
        (Observation(rows=1, value=True), PASS, "the query gives true"),
        (Observation(rows=1, value=False), BLOCKED, "the query gives false"),
        (Observation(rows=1), UNKNOWN, "the query gives NULL"),
        (Observation(rows=0), ERROR, "the query gives no row, not one"),
        (Observation(rows=2, value=True), ERROR, "the query gives several rows, not one"),
        (Observation(type="bigint"), ERROR, "the query gives a value of type bigint, not a boolean"),
        (Observation(rows=1, value=True, type="text"), ERROR, "the query gives a value of type text, not a boolean"),
    ],
)
def test_only_one_true_passes(observation: Observation, verdict: Verdict, reason: str) -> None:
    judgement = judge(observation, ENTRY)
    assert (judgement.verdict, judgement.reason) == (verdict, reason)


@pytest.mark.every_server
def test_a_real_query_answers_and_whatever_is_no_boolean_is_an_error(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    answers = {
        "SELECT count(*) = 2 FROM t": PASS,
        "SELECT count(*) = 0 FROM t;  -- none": BLOCKED,
        "VALUES (true)": PASS,
        "WITH none AS (SELECT false AS x) SELECT bool_and(x) FROM none": BLOCKED,
        "SELECT NULL::boolean": UNKNOWN,
        "SELECT bool_or(true) FROM t WHERE false": UNKNOWN,
        "SELECT true FROM t": ERROR,
        "SELECT true FROM t WHERE false": ERROR,
        "SELECT 1": ERROR,
        "SELECT 't'": ERROR,
        "SELECT 'true'::text": ERROR,
        "SELECT ARRAY[true]": ERROR,
        "SELECT NULL": ERROR,
        # A value that the driver cannot read is none of ours.
        "SELECT 'infinity'::timestamp": ERROR,
    }
    assert {query: asked(run, query).verdict for query in answers} == answers


def test_a_domain_over_boolean_is_a_boolean(start: Callable[..., Expanded]) -> None:
    run = start(KEYED + "CREATE DOMAIN yes AS boolean;")
    assert asked(run, f"SELECT true::{run.schema}.yes").verdict is PASS


def test_an_answer_without_end_is_not_fetched(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    endless = "SELECT true FROM pg_proc a, pg_proc b, pg_proc c, pg_proc d"
    assert asked(run, endless, timeout="1m").verdict is ERROR
    # Of another type not even one value is waited for.
    assert asked(run, "SELECT pg_sleep(600)::text").reason == "the query gives a value of type text, not a boolean"


WRITER = """
CREATE SEQUENCE s;
CREATE FUNCTION writes() RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO {schema}.t VALUES (3, 'three'); RETURN true; END $$;
CREATE FUNCTION frees() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('transaction_read_only', 'off', true);
    INSERT INTO {schema}.t VALUES (3, 'three'); RETURN true;
END $$;
"""


@pytest.mark.alike
@pytest.mark.parametrize("in_a_transaction", [False, True])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT {schema}.writes()",
        "SELECT {schema}.frees()",
        "SELECT nextval('{schema}.s') > 0",
        "SELECT setval('{schema}.s', 7) > 0",
        "SELECT lo_create(0) > 0",
        "SELECT true FROM (SELECT FROM t WHERE id = 1 FOR UPDATE) locked",
    ],
)
def test_what_writes_is_refused(start: Callable[..., Expanded], query: str, in_a_transaction: bool) -> None:
    run = start(KEYED + WRITER)
    query = query.replace("{schema}", run.schema)
    if "lo_create" in query and run.connection.info.server_version < 160000:
        pytest.skip("large objects are made in a read-only transaction too; ours is rolled back")

    def ask() -> None:
        with pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.ActiveSqlTransaction)):
            asked(run, query)

    if in_a_transaction:
        with run.connection.transaction():
            ask()
            run.connection.execute("SELECT 1")
    else:
        ask()
    assert run.sql("SELECT count(*) FROM t") == [(2,)]
    assert run.sql(f"SELECT is_called FROM {run.schema}.s") == [(False,)]


def test_what_the_query_sets_is_taken_back(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    names = ("search_path", "statement_timeout", "transaction_read_only", "lock_timeout")
    before = [setting(run, name) for name in names]
    with run.connection.transaction():
        run.connection.execute(f"UPDATE {run.schema}.t SET other = 7".encode())
        assert asked(run, "SELECT set_config('search_path', 'public', false) = 'public'").verdict is PASS
        assert asked(run, "SELECT set_config('lock_timeout', '0', false) = '0'").verdict is PASS
        assert [setting(run, name) for name in names] == before
        # The caller goes on writing in the same transaction.
        run.connection.execute(f"UPDATE {run.schema}.t SET other = other + 1".encode())
    assert [setting(run, name) for name in names] == before
    assert run.sql("SELECT DISTINCT other FROM t") == [(8,)]


def test_names_are_looked_up_by_the_roles_own_search_path(start: Callable[..., Expanded]) -> None:
    """As whatever else a plan names."""
    run = start(KEYED)
    entry = Sql(query="SELECT count(*) = 2 FROM t")
    with closing(connect(make_conninfo(run.database.url, options=f"-c search_path={run.schema}"))) as session:
        assert session.execute("SHOW search_path").fetchone() == ("pg_catalog",)
        assert judge(observe(session, run.subject, entry, run.look()), entry).verdict is PASS
        assert session.execute("SHOW search_path").fetchone() == ("pg_catalog",)


def test_a_percent_sign_is_no_placeholder(start: Callable[..., Expanded]) -> None:
    assert asked(start(KEYED), "SELECT '100%s' LIKE '100%'").verdict is PASS


SLOW_AND_BROKEN = """
hold: 0s
gates:
  contract:
    - sql: {query: SELECT pg_sleep(60) IS NULL, timeout: 100ms}
    - sql: {query: SELECT 1 / 0 = 1}
    - sql: {query: SELECT true FROM nowhere}
    - sql: {query: SELECT true}
    - approval: {role: dba}
"""


@pytest.mark.alike
@pytest.mark.parametrize("in_a_transaction", [False, True])
def test_one_that_is_slow_or_fails_is_error_and_the_others_answer(
    start: Callable[..., Expanded], in_a_transaction: bool
) -> None:
    run = start(KEYED, SLOW_AND_BROKEN)
    before = setting(run, "statement_timeout")
    if in_a_transaction:
        with run.connection.transaction():
            found = run.evaluate()
            assert setting(run, "statement_timeout") == before
    else:
        found = run.evaluate()
    assert setting(run, "statement_timeout") == before
    slow, divided, nowhere, good = (g for g in found.gates if g.kind == "sql")
    assert [g.verdict for g in (slow, divided, nowhere, good)] == [ERROR, ERROR, ERROR, PASS]
    assert slow.evidence["sqlstate"] == "57014"
    assert "does not answer within 100ms" in slow.reason
    assert divided.reason.startswith("sql cannot be asked: division by zero")
    assert 'relation "nowhere" does not exist' in nowhere.reason
    assert [g.verdict for g in found.gates if g.kind == "approval"] == [BLOCKED]
    assert run.sql("SELECT verdict FROM crossfade.evaluations WHERE run_id = %s", [run.subject.run_id]) == [
        ("BLOCKED",)
    ]


def test_a_query_that_ends_our_own_session_is_no_verdict(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "gates: {contract: [sql: {query: 'SELECT pg_terminate_backend(pg_backend_pid())'}]}")
    with pytest.raises(psycopg.OperationalError):
        run.evaluate()


HELD = """
hold: 0s
gates:
  contract:
    - sql: {query: SELECT count(*) = 2 FROM {schema}.t, hold: 1h}
    - sql: {query: SELECT count(*) > 0 FROM {schema}.t, hold: 2h}
    - sql: {query: SELECT true, mode: observe}
"""


def test_two_queries_are_held_each_by_itself_and_broken_by_one_other_answer(start: Callable[..., Expanded]) -> None:
    first_schema = start(KEYED).schema
    run = start(KEYED, HELD.replace("{schema}", first_schema))

    def look() -> list[Any]:
        return [g for g in run.evaluate().gates if g.kind == "sql"]

    def age(hours: int) -> None:
        query = "UPDATE crossfade.passing SET since = since - make_interval(hours => %s) WHERE run_id = %s"
        run.sql(query, [hours, run.subject.run_id])

    two, some, shown = look()
    assert [(g.verdict, g.holding) for g in (two, some, shown)] == [(BLOCKED, True), (BLOCKED, True), (PASS, False)]
    assert two.reason.startswith("sql holds since ")
    assert two.hold_until - two.passing_since == timedelta(hours=1)
    assert some.hold_until - some.passing_since == timedelta(hours=2)
    age(1)
    assert [(g.verdict, g.holding) for g in look()[:2]] == [(PASS, False), (BLOCKED, True)]
    run.sql(f"DELETE FROM {first_schema}.t WHERE id = 2")
    assert [(g.verdict, g.holding) for g in look()[:2]] == [(BLOCKED, False), (BLOCKED, True)]
    run.sql(f"INSERT INTO {first_schema}.t VALUES (2, 'two')")
    age(1)
    broken, unbroken, _ = look()
    assert (broken.verdict, broken.holding) == (BLOCKED, True)
    assert broken.passing_since > two.passing_since
    assert unbroken.verdict is PASS


def test_in_words_it_is_the_query_in_one_line(start: Callable[..., Expanded]) -> None:
    assert in_words(Sql(query="SELECT true\n  FROM  x")) == "SELECT true FROM x gives true"
    gates = gates_of(start(KEYED, HELD.replace("{schema}", "s")).subject.plan, Phase.CONTRACT)
    assert [describe(g) for g in gates if g.entry.kind == "sql"] == [
        "sql: SELECT count(*) = 2 FROM s.t gives true, for 1h without a break",
        "sql: SELECT count(*) > 0 FROM s.t gives true, for 2h without a break",
        "sql: SELECT true gives true (shown only)",
    ]
