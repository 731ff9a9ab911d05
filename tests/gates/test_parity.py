"""The gate `parity`: a row that differs blocks by its key, and what was not read is no proof."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.gates import comparison
from crossfade.gates.comparison import Compared, Comparison, OutOfTime, stretches
from crossfade.gates.parity import Observation, in_words, judge, observe
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.gates import Parity

from .expanded import KEYED, PARTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
FULL, SAMPLE = Parity(), Parity(share="5%")
EQUAL = Compared(table="public.users", old="email", new="email_address", blocks=9, blocks_read=9, relations=1)
DIFFERENT = replace(EQUAL, differing=7, keys=("id=1", "id=2"))
HALF = replace(EQUAL, blocks_read=4, relations=0)
FAULT = "trigger ~x on public.users is missing"
SEEN = Observation(run="rename", compared=(EQUAL,), limit=timedelta(minutes=5))


@pytest.mark.parametrize(
    ("observation", "verdict"),
    [
        (SEEN, PASS),
        (replace(SEEN, compared=(EQUAL, EQUAL)), PASS),
        (replace(SEEN, compared=()), UNKNOWN),
        (replace(SEEN, compared=(), faults=(FAULT,)), UNKNOWN),
        (replace(SEEN, faults=(FAULT,)), UNKNOWN),
        (replace(SEEN, compared=(replace(EQUAL, relations=0),)), UNKNOWN),
        (replace(SEEN, compared=(DIFFERENT,)), BLOCKED),
        (replace(SEEN, compared=(EQUAL, DIFFERENT)), BLOCKED),
        (replace(SEEN, compared=(DIFFERENT,), faults=(FAULT,)), BLOCKED),
        (replace(SEEN, compared=(DIFFERENT, HALF), out_of_time=True), BLOCKED),
        (replace(SEEN, compared=(EQUAL, HALF), out_of_time=True), ERROR),
        (replace(SEEN, compared=(HALF,), out_of_time=True, glance=True), UNKNOWN),
        (replace(SEEN, compared=(HALF,), out_of_time=True, faults=(FAULT,)), UNKNOWN),
        # All were read within the time of a glance.
        (replace(SEEN, glance=True), PASS),
    ],
)
def test_the_verdict(observation: Observation, verdict: Verdict) -> None:
    assert judge(observation, FULL).verdict is verdict
    assert judge(observation, SAMPLE).verdict is verdict


def test_the_reason_names_keys_and_says_what_to_do() -> None:
    assert judge(SEEN, FULL).reason == "email and email_address of public.users agree in every row"
    assert judge(SEEN, SAMPLE).reason.endswith("agree in a sample of 5% of the rows")
    assert judge(replace(SEEN, compared=(DIFFERENT,)), FULL).reason == (
        "7 rows differ between email and email_address of public.users: id=1; id=2"
    )
    assert judge(replace(SEEN, compared=(HALF,), out_of_time=True), FULL).reason == (
        "nothing differs in the 4 of 9 blocks that were read within 5m, and that is all the time it has;"
        " a plan can give it a longer `timeout`, or a `share` such as 5%"
    )
    glance = replace(SEEN, compared=(HALF,), out_of_time=True, glance=True)
    assert judge(glance, FULL).reason.endswith("read them all with: crossfade gate rename --phase contract")


def test_in_words_it_says_how_much() -> None:
    assert in_words(FULL) == "both shapes hold the same facts in every row"
    assert in_words(SAMPLE) == "both shapes hold the same facts in 5% of the rows"


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("blocks", [0, 1, 127, 128, 129, 16_384, 16_385, 100_000])
def test_stretches_are_the_share_of_every_range(blocks: int, chance: float) -> None:
    whole = list(stretches(blocks, 1.0, lambda: chance))
    assert [b for first, last in whole for b in range(first, last)] == list(range(blocks))
    sample = list(stretches(blocks, 0.05, lambda: chance))
    read = [b for first, last in sample for b in range(first, last)]
    assert len(read) == len(set(read))
    assert set(read) <= set(range(blocks))
    assert len(read) >= (blocks if blocks <= 128 else blocks * 0.05)
    assert len(sample) == len(whole)


def looked(run: Expanded, entry: Parity = FULL) -> Judgement:
    return judge(observe(run.connection, run.subject, entry, run.look()), entry)


def past_the_triggers(run: Expanded, statement: str) -> None:
    """Write as nobody should: with the triggers off for the moment."""
    (change,) = run.subject.rows
    for trigger in change.triggers:
        run.sql(f'ALTER TABLE {trigger.relation} DISABLE TRIGGER "{trigger.name}"')
    run.sql(statement)
    for trigger in change.triggers:
        run.sql(f'ALTER TABLE {trigger.relation} ENABLE ALWAYS TRIGGER "{trigger.name}"')


NAMED = {
    "by key": ("CREATE TABLE t (id int PRIMARY KEY, old text)", "id=2"),
    "by two": ("CREATE TABLE t (id int, old text, part text DEFAULT 'a b', PRIMARY KEY (part, id))", "part=a b, id=2"),
    "by place": ("CREATE TABLE t (id int, old text)", "ctid=(0,"),
    "of a partition": (
        """CREATE TABLE t (id int PRIMARY KEY, old text) PARTITION BY RANGE (id);
        CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (9)""",
        "{s}.p id=2",
    ),
    "with a percent sign": ("""CREATE TABLE t ("100%s" int, id int PRIMARY KEY, old text)""", "id=2"),
}


@pytest.mark.every_server
@pytest.mark.parametrize("name", NAMED)
def test_a_row_that_differs_blocks_by_its_key(start: Callable[..., Expanded], name: str) -> None:
    ddl, key = NAMED[name]
    run = start(ddl)
    run.sql("INSERT INTO t (id, old) VALUES (1, 'one'), (2, 'two'), (3, NULL)")
    assert looked(run).verdict is PASS
    past_the_triggers(run, "UPDATE t SET new = 'other' WHERE id = 2")
    found = looked(run)
    assert found.verdict is BLOCKED
    assert found.reason.startswith(f"1 row differs between old and new of {run.schema}.t: {key.format(s=run.schema)}")


@pytest.mark.alike
def test_rows_that_are_not_filled_differ_and_a_few_are_named(start: Callable[..., Expanded]) -> None:
    run = start(
        "CREATE TABLE t (id int PRIMARY KEY, old text); INSERT INTO t SELECT n, 'x' FROM generate_series(1, 9) n"
    )
    found = looked(run)
    assert found.verdict is BLOCKED
    assert found.reason.startswith("9 rows differ ")
    (compared,) = found.evidence["compared"]
    assert compared["keys"] == [f"id={n}" for n in range(1, 6)]
    run.sql("UPDATE t SET new = old")
    assert looked(run).verdict is PASS


@pytest.mark.alike
@pytest.mark.parametrize(
    ("kind", "old", "new"), [("numeric", "1.0", "1.00"), ("json", "'{}'", "'{ }'"), ("float8", "0.0", "'-0'")]
)
def test_it_sees_what_the_backfill_sees(start: Callable[..., Expanded], kind: str, old: str, new: str) -> None:
    run = start(f"CREATE TABLE t (id int PRIMARY KEY, old {kind}); INSERT INTO t VALUES (1, {old})")
    run.sql("UPDATE t SET new = old")
    assert looked(run).verdict is PASS
    past_the_triggers(run, f"UPDATE t SET new = {new}")
    assert looked(run).verdict is BLOCKED


def test_every_partition_and_child_is_read(start: Callable[..., Expanded]) -> None:
    run = start(PARTED)
    run.sql("UPDATE t SET new = old")
    found = looked(run)
    assert found.verdict is PASS
    assert found.evidence["compared"][0]["relations"] == 2
    family = start("CREATE TABLE t (id int PRIMARY KEY, old text); CREATE TABLE c () INHERITS (t)")
    family.sql("INSERT INTO c VALUES (1, 'one')")
    assert looked(family).verdict is PASS
    family.sql("ALTER TABLE c DISABLE TRIGGER USER; UPDATE c SET new = 'two'; ALTER TABLE c ENABLE TRIGGER USER")
    assert f"{family.schema}.c ctid=(0,2)" in looked(family).reason


def test_a_row_that_was_given_up_does_not_count(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    (change,) = run.subject.rows
    run.sql(
        "INSERT INTO crossfade.rejected_rows (run_id, change_id, relation, key, sqlstate, message, state)"
        """ VALUES (%s, %s, %s, '{"id": "2"}', '23514', 'no', 'open')""",
        [run.subject.run_id, change.id, f"{run.schema}.t"],
    )
    assert looked(run).evidence["compared"][0]["keys"] == ["id=1", "id=2"]
    run.sql("UPDATE crossfade.rejected_rows SET state = 'waived' WHERE run_id = %s", [run.subject.run_id])
    assert looked(run).evidence["compared"][0]["keys"] == ["id=1"]
    run.sql("UPDATE t SET new = old WHERE id = 1")
    assert looked(run).verdict is PASS


@pytest.mark.alike
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TRIGGER {trigger} ON t", "is missing"),
        ("ALTER TABLE t DISABLE TRIGGER {trigger}", "is disabled"),
        ("ALTER TABLE t ENABLE TRIGGER {trigger}", "is not ENABLE ALWAYS"),
    ],
)
def test_without_its_triggers_what_agrees_is_no_proof(
    start: Callable[..., Expanded], statement: str, words: str
) -> None:
    run = start(KEYED)
    run.sql("UPDATE t SET new = old")
    (change,) = run.subject.rows
    run.sql(statement.format(trigger=f'"{change.triggers[0].name}"'))
    found = looked(run)
    assert found.verdict is UNKNOWN
    assert words in found.reason
    assert found.evidence["faults"]


def test_a_plan_without_pairs_is_no_proof(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    assert judge(observe(run.connection, replace(run.subject, rows=()), FULL, run.look()), FULL).verdict is UNKNOWN


def test_a_table_that_is_gone_is_no_proof(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    (change,) = run.subject.rows
    gone = replace(run.subject, rows=(replace(change, table="never"),))
    assert judge(observe(run.connection, gone, FULL, run.look()), FULL).verdict is UNKNOWN


def test_neither_a_lock_nor_a_snapshot_is_kept(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("UPDATE t SET new = old")
    pid = run.connection.info.backend_pid
    with run.connection.transaction():
        assert looked(run).verdict is PASS
        assert run.sql("SELECT relation FROM pg_locks WHERE pid = %s AND relation = 't'::regclass", [pid]) == []
        # The result of a statement with parameters is kept until the next statement.
        run.connection.execute("SELECT 1")
        assert run.sql("SELECT backend_xmin, backend_xid FROM pg_stat_activity WHERE pid = %s", [pid]) == [(None, None)]
        assert run.connection.execute("SHOW statement_timeout").fetchone() == ("1min",)


def test_row_security_hides_nothing(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "gates: {contract: [parity: {}]}")
    run.sql("CREATE ROLE sees_some LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA crossfade TO sees_some")
    run.sql(f"GRANT USAGE ON SCHEMA {run.schema}, crossfade TO sees_some; GRANT SELECT ON t TO sees_some")
    run.sql("ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (new = old)")
    with psycopg.connect(run.database.server.url(run.database.name, user="sees_some"), autocommit=True) as other:
        other.execute("SET search_path = pg_catalog")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            observe(other, run.subject, FULL, run.look())


def test_time_that_is_over_is_an_error_with_what_was_read(
    start: Callable[..., Expanded], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start("CREATE TABLE t (id int PRIMARY KEY, old text); INSERT INTO t VALUES (1, 'x')")
    run.sql("UPDATE t SET new = old; INSERT INTO t SELECT n, repeat('x', 1000) FROM generate_series(2, 40) n")
    (change,) = run.subject.rows
    found = Compared(table="t", old="old", new="new")
    late = Comparison(connection=run.connection, run_id=run.subject.run_id, share=1.0, deadline=time.monotonic())
    with pytest.raises(OutOfTime):
        late.compare(change, found)
    assert found.blocks > found.blocks_read == 0
    # A statement that is cut off by the server counts as the same.
    slow = replace(change, pending="pg_catalog.pg_sleep(600) IS NULL")
    short = replace(late, deadline=time.monotonic() + 0.2)
    with pytest.raises(OutOfTime):
        short.compare(slow, found)
    assert found.blocks_read == 0
    monkeypatch.setattr(comparison, "_BLOCKS", 1)
    longer = replace(late, deadline=time.monotonic() + 60)
    longer.compare(change, found)
    assert found.blocks_read > 1


def test_a_table_that_is_rewritten_meanwhile_is_read_again(
    start: Callable[..., Expanded], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(
        "CREATE TABLE t (id int PRIMARY KEY, old text); INSERT INTO t SELECT n, 'x' FROM generate_series(1, 9) n"
    )
    run.sql("UPDATE t SET new = old")
    pending = iter(["VACUUM FULL t"])

    def meanwhile(blocks: int, share: float, chance: Callable[[], float]) -> Iterator[tuple[int, int]]:
        yield from stretches(blocks, share, chance)
        for statement in pending:
            run.sql(statement)

    monkeypatch.setattr(comparison, "stretches", meanwhile)
    found = looked(run)
    assert found.verdict is PASS
    (compared,) = found.evidence["compared"]
    assert compared["blocks_read"] == 2 * compared["blocks"]


def test_a_look_that_is_not_recorded_only_glances(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("UPDATE t SET new = old")
    recorded = observe(run.connection, run.subject, FULL, run.look())
    glance = observe(run.connection, run.subject, FULL, run.look(record=False))
    assert (recorded.limit, recorded.glance) == (timedelta(minutes=5), False)
    assert (glance.limit, glance.glance) == (timedelta(seconds=1), True)
    assert judge(glance, FULL).verdict is PASS


def test_in_front_of_contract_it_is_a_guard(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "gates: {contract: [parity: {share: 50%}]}")
    gate = run.gates()["parity"]
    assert (gate.verdict, gate.is_guard) == (BLOCKED, True)
    run.sql("UPDATE t SET new = old")
    assert run.gates()["parity"].verdict is PASS
