"""The gate `legacy_reads`: what is called between two looks, and when silence says nothing."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.backfill.verify import verify
from crossfade.gates.counters import Counter, compare
from crossfade.gates.legacy_reads import Observation, Statement, in_words, judge, observe
from crossfade.gates.verdict import GateResult, Judgement, Verdict
from crossfade.plan.gates import LegacyReads
from crossfade.postgres.connect import connect
from crossfade.postgres.server import EmbeddedServer
from crossfade.workflow import ledger

from ..fixtures.database import fresh_database
from ..fixtures.long import few_of
from .expanded import KEYED, PARTED, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..fixtures.database import Database
    from ..fixtures.servers import Server
    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOLD = timedelta(minutes=10)
ENTRY = LegacyReads()
BLOCKING = LegacyReads(stars="block")
NUMBERS = count(1)
GATE = "gates: {contract: [legacy_reads: {}]}"
OLD = "SELECT count(old) FROM t"


def minutes(ago: float | None) -> datetime | None:
    return None if ago is None else NOW - timedelta(minutes=ago)


def statement(moved: float | None, mention: str = "named", **keys: Any) -> Statement:
    text = f"SELECT email FROM users /* {moved} */"
    made = Statement(text=text, role="api", columns=("public.users.email",), mention=mention, calls=7)
    return replace(made, moved_at=minutes(moved), **keys)


def observed(*statements: Statement, since: float = 30, **keys: Any) -> Observation:
    made = Observation(hold=HOLD, columns=("public.users.email",), now=NOW, since=minutes(since), statements=statements)
    return replace(made, **keys)


@pytest.mark.parametrize(
    ("observation", "entry", "verdict", "clear"),
    [
        (observed(), ENTRY, PASS, 30),
        (observed(statement(None)), ENTRY, PASS, 30),
        (observed(statement(20)), ENTRY, PASS, 20),
        (observed(statement(10)), ENTRY, PASS, 10),
        (observed(statement(9.9)), ENTRY, BLOCKED, 9.9),
        (observed(statement(None), statement(20), statement(1)), ENTRY, BLOCKED, 1),
        (observed(statement(0), hold=timedelta()), ENTRY, BLOCKED, 0),
        (observed(statement(1), hold=timedelta()), ENTRY, PASS, 1),
        # The first look knows of no call before it.
        (observed(since=0, is_first=True), ENTRY, PASS, 0),
        (observed(since=0, is_first=True, hold=timedelta()), ENTRY, UNKNOWN, 0),
        (observed(statement(None), since=0, is_first=True), ENTRY, PASS, 0),
        # What may have been lost, and what cannot be read.
        (observed(since=0, lost="it was reset"), ENTRY, UNKNOWN, 0),
        (observed(statement(3), since=0, lost="it was reset"), ENTRY, BLOCKED, 0),
        (observed(statement(3, "unreadable")), ENTRY, UNKNOWN, 3),
        (observed(statement(20, "unreadable")), ENTRY, PASS, 20),
        (observed(statement(3, "unreadable"), statement(4)), ENTRY, BLOCKED, 3),
        (observed(statement(None, "unreadable")), ENTRY, PASS, 30),
        # Stars.
        (observed(statement(1, "star")), ENTRY, PASS, 30),
        (observed(statement(1, "star")), BLOCKING, BLOCKED, 1),
        (observed(statement(20, "star")), BLOCKING, PASS, 20),
        # What we may not see breaks the time.
        (observed(hidden=1), ENTRY, UNKNOWN, None),
        (observed(statement(1), hidden=1), ENTRY, BLOCKED, None),
        (Observation(hold=HOLD, unseen="it is not installed"), ENTRY, UNKNOWN, None),
        (Observation(hold=timedelta(), unseen="it is not installed"), ENTRY, UNKNOWN, None),
    ],
)
def test_a_call_within_the_hold_blocks_and_no_doubt_passes(
    observation: Observation, entry: LegacyReads, verdict: Verdict, clear: float | None
) -> None:
    judgement = judge(observation, entry)
    assert judgement.verdict is verdict
    assert judgement.clear_since == minutes(clear)


def test_the_reason_names_what_was_called_and_says_what_to_do() -> None:
    assert judge(observed(statement(3)), ENTRY).reason == (
        "`SELECT email FROM users /* 3 */` of role api names public.users.email and was called, as a look 3 min ago"
        " found; there has to be no such call for 10m"
    )
    assert judge(observed(), ENTRY).reason == (
        "no call of a statement that names public.users.email seen since 2026-03-01 11:30:00 UTC by pg_stat_statements"
    )
    assert (
        " takes every column, so also public.users.email and" in judge(observed(statement(3, "star")), BLOCKING).reason
    )
    assert " and 2 more; " in judge(observed(*[statement(1)] * 7), ENTRY).reason
    assert "GRANT pg_read_all_stats" in judge(observed(hidden=3), ENTRY).reason
    assert judge(Observation(hold=HOLD, unseen="it is not installed"), ENTRY).reason == "it is not installed"


def test_the_evidence_is_bounded() -> None:
    evidence = judge(observed(*[statement(1)] * 70, *[statement(1, "star")] * 70), ENTRY).evidence
    assert [len(evidence[kind]) for kind in ("named", "stars", "unreadable")] == [50, 50, 0]
    assert [evidence[f"{kind}_count"] for kind in ("named", "star", "unreadable")] == [70, 70, 0]


def test_in_words_it_says_what_counts() -> None:
    assert in_words(ENTRY) == "no statement is called that names the old shape, as pg_stat_statements counts them"
    assert " or takes every column by `*`" in in_words(BLOCKING)


def test_a_counter_that_differs_has_moved_at_the_look_that_finds_it() -> None:
    kept = {"a": Counter(seen={"n": 1}), "b": Counter(seen={"n": 1}, moved_at=minutes(5)), "c": Counter(seen={"n": 9})}
    found = compare(kept, {"a": {"n": 1}, "b": {"n": 1}, "c": {"n": 1}, "d": {"n": 1}}, NOW)
    assert {name: counter.moved_at for name, counter in found.items()} == {
        "a": None,
        "b": minutes(5),
        "c": NOW,
        "d": NOW,
    }
    assert compare({}, {"a": {"n": 1}}, NOW) == {"a": Counter(seen={"n": 1})}


@contextmanager
def counting(server: Server, **settings: str | int) -> Iterator[Database]:
    """A database with a ledger on a server of its own, where no other test's statements push ours out."""
    if not isinstance(server, EmbeddedServer):
        pytest.skip("statements are counted on servers that this suite can configure")
    with EmbeddedServer(server.bin_dir, settings=settings) as own, fresh_database(own) as database:
        with connect(database.url) as connection:
            ledger.install(connection)
        database.execute("CREATE SCHEMA extensions; CREATE EXTENSION pg_stat_statements SCHEMA extensions")
        yield database


@pytest.fixture(scope="module")
def counted(server: Server) -> Iterator[Database]:
    with counting(server) as database:
        yield database


@pytest.fixture
def begin(counted: Database) -> Iterator[Callable[..., Expanded]]:
    """Makes a table `t`, expands a plan that has the gate, and forgets all calls."""
    made: list[Expanded] = []

    def make(ddl: str = KEYED, plan: str = GATE) -> Expanded:
        made.append(expand(counted, f"r{next(NUMBERS)}", ddl, plan, ""))
        # Every test has a table `t`, and a statement does not say of which schema.
        counted.execute("SELECT extensions.pg_stat_statements_reset()")
        return made[-1]

    yield make
    for run in made:
        run.connection.close()
    counted.close()


def gate(run: Expanded, *, record: bool = True) -> GateResult:
    return run.gates(record=record)["legacy_reads"]


def judged(
    run: Expanded, *, connection: psycopg.Connection[Any] | None = None, entry: LegacyReads = ENTRY
) -> Judgement:
    """What a look that is not recorded says."""
    return judge(observe(connection or run.connection, run.subject, entry, run.look(record=False)), entry)


def pass_time(run: Expanded, span: str = "10 min") -> None:
    """As if everything in the ledger were older."""
    for table, column in (("counters", "moved_at"), ("passing", "since"), ("passing", "seen_at")):
        run.database.execute(
            psycopg.sql.SQL("UPDATE crossfade.{table} SET {column} = {column} - {span}::interval").format(
                table=psycopg.sql.Identifier(table),
                column=psycopg.sql.Identifier(column),
                span=psycopg.sql.Literal(span),
            )
        )


@pytest.mark.long
@pytest.mark.every_server
def test_a_call_between_two_looks_blocks_until_none_was_for_the_hold(begin: Callable[..., Expanded]) -> None:
    run = begin()
    run.sql(OLD)
    first = gate(run)
    assert (first.verdict, first.holding) == (BLOCKED, True)
    pass_time(run)
    assert gate(run).verdict is PASS
    run.sql("SELECT new FROM t; UPDATE t SET other = 1; SELECT 'old' FROM t")
    assert gate(run).verdict is PASS
    run.sql(OLD)
    called = gate(run)
    assert (called.verdict, called.holding) == (BLOCKED, False)
    assert called.reason.startswith(
        f"`{OLD}` of role {run.connection.info.user} names {run.schema}.t.old and was called"
    )
    (named,) = called.evidence["named"]
    assert (named["statement"], named["calls"], named["columns"]) == (OLD, 2, [f"{run.schema}.t.old"])
    assert gate(run).verdict is BLOCKED
    pass_time(run, "9 min")
    assert gate(run).verdict is BLOCKED
    pass_time(run, "2 min")
    assert gate(run).verdict is PASS


@pytest.mark.alike
@pytest.mark.parametrize(
    "read",
    few_of(
        (
            "PREPARE one AS SELECT old FROM t; EXECUTE one",
            "BEGIN; DECLARE c CURSOR FOR SELECT old FROM t; COMMIT",
            "UPDATE t SET other = 1 WHERE old = 'x'",
            "INSERT INTO t (id, old) VALUES (9, 'x') ON CONFLICT DO NOTHING",
            "CREATE TEMP TABLE x AS SELECT old FROM t",
        ),
        {"BEGIN; DECLARE c CURSOR FOR SELECT old FROM t; COMMIT", "CREATE TEMP TABLE x AS SELECT old FROM t"},
    ),
)
def test_a_statement_that_was_never_seen_before_blocks(begin: Callable[..., Expanded], read: str) -> None:
    run = begin()
    gate(run)
    run.sql(read)
    found = gate(run)
    assert (found.verdict, found.holding) == (BLOCKED, False)


@pytest.mark.alike
def test_rows_that_are_copied_are_seen_by_their_columns(begin: Callable[..., Expanded]) -> None:
    run = begin()
    gate(run)
    with run.app("dump").cursor().copy("COPY t (id, new) TO STDOUT") as copy:
        list(copy)
    assert gate(run).holding
    with run.app("dump").cursor().copy("COPY t (id, old) TO STDOUT") as copy:
        list(copy)
    assert (gate(run).verdict, gate(run).holding) == (BLOCKED, False)


def test_a_partition_is_read_under_its_own_name(begin: Callable[..., Expanded]) -> None:
    run = begin(PARTED)
    gate(run)
    run.sql("SELECT count(old) FROM p2")
    assert gate(run).reason.startswith("`SELECT count(old) FROM p2` of role")


def test_a_star_is_shown_and_blocks_where_the_plan_says_so(begin: Callable[..., Expanded]) -> None:
    shown, blocking = begin(), begin(plan="gates: {contract: [legacy_reads: {stars: block}]}")
    for run in (shown, blocking):
        gate(run)
        run.sql("SELECT * FROM t")
    assert gate(shown).holding
    assert [s["statement"] for s in gate(shown).evidence["stars"]] == ["SELECT * FROM t"]
    assert (gate(blocking).verdict, gate(blocking).holding) == (BLOCKED, False)


def test_code_in_a_text_is_no_proof_until_it_rests(begin: Callable[..., Expanded]) -> None:
    run = begin()
    gate(run)
    run.sql("DO $do$ BEGIN PERFORM old FROM t WHERE old = 's3cret'; END $do$")
    found = gate(run)
    assert found.verdict is UNKNOWN
    assert found.reason.startswith(f"whether {run.schema}.t.old is used cannot be read in what was called: `DO '…'`")
    assert "s3cret" not in str(found.evidence)
    pass_time(run)
    assert gate(run).verdict is PASS


@pytest.mark.alike
@pytest.mark.parametrize("ddl", [KEYED, PARTED], ids=["plain", "partitions"])
def test_what_crossfade_reads_by_itself_does_not_count(begin: Callable[..., Expanded], ddl: str) -> None:
    run = begin(ddl, "gates: {contract: [legacy_reads: {}, parity: {}]}")
    run.connection.execute(f"UPDATE {run.schema}.t SET new = old".encode())
    gate(run)
    pass_time(run)
    for _ in range(2):
        (change,) = run.subject.rows
        verify(
            connect=lambda: connect(run.database.url),
            run_id=run.subject.run_id,
            run_name=run.subject.name,
            change=change,
            emit=lambda _event: None,
        )
        # A new session sends the trial write of `legacy_writes` again.
        with connect(run.database.url) as connection:
            again = replace(run, connection=connection)
            assert (
                again.gates()["legacy_writes"].evidence["control"][0]["proof"].startswith("a trial write was carried")
            )
            found = gate(again)
        assert [s for s in found.evidence["named"] if s["found_called_at"]] == []
        assert found.verdict is PASS
    # They were counted all the same: of each table, by the comparison and by `parity`.
    ours = (
        "SELECT count(*) FROM extensions.pg_stat_statements"
        " WHERE query LIKE 'SELECT pg_catalog.count(*) FROM ONLY%%old%%' AND calls >= %s"
    )
    assert run.sql(ours, [2]) == [(4 if ddl == PARTED else 2,)]


def test_a_look_that_is_not_recorded_leaves_nothing(begin: Callable[..., Expanded]) -> None:
    run = begin()
    counters = "SELECT counter, seen, moved_at FROM crossfade.counters WHERE run_id = %s ORDER BY counter"
    assert "from the first crossfade gate or contract on" in gate(run, record=False).reason
    assert run.sql(counters, [run.subject.run_id]) == []
    gate(run)
    kept = run.sql(counters, [run.subject.run_id])
    run.sql(OLD)
    assert gate(run, record=False).reason.startswith(f"`{OLD}`")
    assert run.sql(counters, [run.subject.run_id]) == kept
    assert gate(run).reason.startswith(f"`{OLD}`")


@pytest.mark.alike
@pytest.mark.parametrize("which", ["all", "one"])
def test_after_a_reset_the_time_begins_anew(begin: Callable[..., Expanded], which: str) -> None:
    run = begin()
    run.sql(OLD)
    gate(run)
    pass_time(run)
    assert gate(run).verdict is PASS
    if which == "all":
        run.sql("SELECT extensions.pg_stat_statements_reset()")
    else:
        run.sql(
            "SELECT extensions.pg_stat_statements_reset(userid, dbid, queryid) FROM extensions.pg_stat_statements"
            " WHERE query = %s AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [OLD],
        )
    found = gate(run)
    assert found.verdict is UNKNOWN
    assert "reset since the look before" in found.reason
    again = gate(run)
    assert (again.verdict, again.holding) == (BLOCKED, True)
    assert again.passing_since is not None
    assert again.passing_since > run.subject.created_at
    pass_time(run)
    assert gate(run).verdict is PASS


def test_an_entry_that_was_reset_and_called_as_often_again_has_moved(begin: Callable[..., Expanded]) -> None:
    run = begin()
    run.sql(OLD)
    gate(run)
    run.sql(
        "SELECT extensions.pg_stat_statements_reset(userid, dbid, queryid) FROM extensions.pg_stat_statements"
        " WHERE query = %s AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
        [OLD],
    )
    run.sql(OLD)
    assert gate(run).reason.startswith(f"`{OLD}`")


@pytest.mark.long
@pytest.mark.alike
def test_evicted_entries_are_no_proof(server: Server) -> None:
    with counting(server, **{"pg_stat_statements.max": 100}) as database:
        run = expand(database, "g", KEYED, GATE, "")
        gate(run)
        pass_time(run)
        with run.app("many", autocommit=True) as app:
            for number in range(200):
                app.execute(f"SELECT {'1, ' * number} 1".encode())
        found = gate(run)
        assert found.verdict is UNKNOWN
        assert "pg_stat_statements has evicted entries; raise pg_stat_statements.max" in found.reason
        run.connection.close()


@pytest.mark.alike
def test_a_role_that_may_not_read_the_texts_knows_nothing(begin: Callable[..., Expanded]) -> None:
    run = begin()
    run.sql(OLD)
    run.database.execute(
        "DROP ROLE IF EXISTS plain_reader, all_reader; CREATE ROLE plain_reader LOGIN; CREATE ROLE all_reader LOGIN;"
        "GRANT pg_read_all_stats TO all_reader;"
        "GRANT USAGE ON SCHEMA crossfade, extensions TO plain_reader, all_reader;"
        "GRANT SELECT ON crossfade.counters TO plain_reader, all_reader"
    )
    run.sql(f"GRANT USAGE ON SCHEMA {run.schema} TO plain_reader, all_reader")
    gate(run)
    with connect(run.database.server.url(run.database.name, user="plain_reader")) as plain:
        found = judged(run, connection=plain)
        assert (found.verdict, found.clear_since) == (UNKNOWN, None)
        assert "run: GRANT pg_read_all_stats TO" in found.reason
        run.database.execute("REVOKE SELECT ON extensions.pg_stat_statements FROM PUBLIC")
        found = judged(run, connection=plain)
        run.database.execute("GRANT SELECT ON extensions.pg_stat_statements TO PUBLIC")
        assert found.verdict is UNKNOWN
        assert found.reason.startswith("pg_stat_statements cannot be read (permission denied")
    with connect(run.database.server.url(run.database.name, user="all_reader")) as allowed:
        assert judged(run, connection=allowed).verdict is PASS


SETTINGS = {
    "ALTER ROLE uncounted_app SET pg_stat_statements.track = 'none'": "statements of uncounted_app are not counted",
    "ALTER DATABASE {} SET compute_query_id = off": "compute_query_id is off",
    "ALTER DATABASE {} SET pg_stat_statements.track = 'none'": "pg_stat_statements.track is none",
    "ALTER ROLE CURRENT_USER SET pg_stat_statements.track = 'top'": "is set for crossfade's own role",
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_goes_uncounted_is_no_proof(begin: Callable[..., Expanded], setting: str) -> None:
    run = begin()
    run.database.execute("DROP ROLE IF EXISTS uncounted_app; CREATE ROLE uncounted_app LOGIN")
    statement = setting.format(run.database.name)
    run.sql(statement)
    try:
        with connect(run.database.url) as connection:
            found = judged(run, connection=connection)
        assert found.verdict is UNKNOWN
        assert SETTINGS[setting] in found.reason
    finally:
        run.sql(statement.partition(" SET ")[0] + " RESET ALL")
        run.sql("DROP ROLE uncounted_app")


def test_without_the_extension_nothing_is_known_and_the_reason_says_what_to_do(begin: Callable[..., Expanded]) -> None:
    run = begin()
    run.sql("DROP EXTENSION pg_stat_statements")
    try:
        assert "run: CREATE EXTENSION pg_stat_statements" in judged(run).reason
        run.sql("CREATE EXTENSION pg_stat_statements SCHEMA extensions VERSION '1.8'")
        assert "run: ALTER EXTENSION pg_stat_statements UPDATE" in judged(run).reason
        run.sql("ALTER EXTENSION pg_stat_statements UPDATE")
        assert judged(run).verdict is PASS
    finally:
        run.sql("DROP EXTENSION pg_stat_statements; CREATE EXTENSION pg_stat_statements SCHEMA extensions")


@pytest.mark.long
def test_without_its_library_nothing_is_known(server: Server) -> None:
    with counting(server, shared_preload_libraries="") as database:
        run = expand(database, "g", KEYED, GATE, "")
        found = gate(run)
        assert found.verdict is UNKNOWN
        assert "add it to shared_preload_libraries and start the server again" in found.reason
        run.connection.close()


def test_a_plan_that_takes_no_column_away_has_nothing_to_watch(begin: Callable[..., Expanded]) -> None:
    run = begin()
    found = judged(replace(run, subject=replace(run.subject, rows=())))
    assert (found.verdict, found.clear_since) == (UNKNOWN, None)


def test_calls_in_another_database_do_not_count(begin: Callable[..., Expanded], counted: Database) -> None:
    run = begin()
    gate(run)
    with fresh_database(counted.server) as other:
        other.execute("CREATE TABLE t (old int)")
        other.execute("SELECT count(old) FROM t")
    assert gate(run).holding
