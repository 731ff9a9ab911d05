"""What a plan may write of its gates, how it is read back, and what is refused where."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crossfade.errors import InvalidPlan
from crossfade.plan.digest import plan_digest
from crossfade.plan.gates import (
    Dependents,
    Exec,
    Http,
    LegacyReads,
    LongTransactions,
    OpenWindow,
    OtherPlan,
    Parity,
    Replication,
    Soak,
    Sql,
    TableActivity,
)
from crossfade.plan.load import parse_plan
from crossfade.plan.model import Plan

from .bad_plans import GOOD

EVERY_KIND = (
    GOOD
    + """\
gates:
  expand:
    - sql: {query: SELECT true, timeout: 2s, hold: 15m}
    - exec: {command: [./ready, "a b"], mode: observe}
    - http: {url: "https://h/ready?x=1", status: 204}
    - http: {url: "https://h/ready", path: checks.0.ready}
    - http: {url: "https://h/ready", path: n, equals: 1}
    - http: {url: "https://h/ready", path: n, equals: "1"}
    - http: {url: "https://h/ready", path: n, equals: false}
    - window: {open: "09:00-16:00 Europe/Paris", freeze: [2026-12-24]}
    - soak: {for: 24h}
    - plan: {name: another}
    - long_transactions: {}
  contract:
    - soak: {for: 24h, since: planned}
    - soak: {for: 24h, since: backfilled}
    - plan: {name: another, state: backfilled}
    - long_transactions: {older_than: 10s}
"""
)


def test_every_key_reaches_the_plan_and_survives_json() -> None:
    plan = parse_plan(EVERY_KIND, "p.yaml")
    sql, command, status, ready, one, text, false, window, soak, other, long = plan.gates.expand
    assert isinstance(sql, Sql)
    assert (sql.timeout, sql.hold, sql.mode) == (timedelta(seconds=2), timedelta(minutes=15), "enforce")
    assert isinstance(command, Exec)
    assert (command.command, command.timeout, command.mode) == (("./ready", "a b"), timedelta(seconds=30), "observe")
    wanted = [(type(g.wanted), g.wanted) for g in (status, ready, one, text, false) if isinstance(g, Http)]
    assert wanted == [(bool, True), (bool, True), (int, 1), (str, "1"), (bool, False)]
    assert isinstance(window, OpenWindow)
    assert isinstance(soak, Soak)
    assert (soak.for_, soak.since) == (timedelta(days=1), None)
    assert isinstance(other, OtherPlan)
    assert (other.name, other.state) == ("another", "contracted")
    assert isinstance(long, LongTransactions)
    assert (long.older_than, long.hold) == (timedelta(minutes=1), None)
    again = Plan.from_json(plan.as_json())
    assert again == plan
    assert plan_digest(again) == plan_digest(plan)


def test_a_default_that_is_written_out_means_the_same() -> None:
    def digest(keys: str) -> str:
        return plan_digest(parse_plan(f'{GOOD}gates: {{expand: [http: {{url: "http://h", {keys}}}]}}\n', "p.yaml"))

    assert digest("path: a") == digest("path: a, equals: true, status: 200, timeout: 5s, mode: enforce")
    assert digest("path: a") != digest("path: a, equals: 1")


BAD = {
    "sql: {}": "`query` is missing in `sql`",
    "sql: {query: ''}": "an empty text",
    "sql: {query: SELECT 1 +}": "not readable as SQL",
    "sql: {query: 'SELECT true; SELECT true'}": "here are 2 statements",
    "sql: {query: 'SELECT true, false'}": "a SELECT of 2 columns",
    "sql: {query: DELETE FROM t}": "expected a SELECT",
    "sql: {query: SELECT true INTO x}": "expected a SELECT",
    "sql: {query: SELECT true FROM t FOR UPDATE}": "locks rows",
    "sql: {query: WITH x AS (DELETE FROM t RETURNING 1) SELECT true FROM x}": "changes rows in its WITH",
    "sql: {query: SELECT true, timeout: 50ms}": "`50ms`",
    "sql: {query: SELECT true, timeout: 11m}": "`11m`",
    "sql: {query: SELECT true, hold: }": "a key without a value",
    "sql: {query: SELECT true, hold: 91d}": "`91d`",
    "exec: {command: []}": "is empty",
    "exec: {command: ls -l}": "expected a list",
    "exec: {command: [sleep, 5]}": "`5`",
    "exec: {command: ['']}": "an empty program name",
    'exec: {command: [ls, "a\\0b"]}': "cannot store",
    "http: {url: status.example.com}": "not a web address",
    "http: {url: 'file:///etc/passwd'}": "not a web address",
    "http: {url: 'http://boss:s3cret@h'}": "a user or a password",
    "http: {url: 'http://h', status: 99}": "99",
    "http: {url: 'http://h', status: '200'}": "200",
    "http: {url: 'http://h', equals: ready}": "`equals` without the `path`",
    "http: {url: 'http://h', equals: true}": "`equals` without the `path`",
    "http: {url: 'http://h', path: }": "a key without a value",
    "http: {url: 'http://h', path: a, equals: }": "a key without a value",
    "http: {url: 'http://h', path: a, equals: 1.5}": "`1.5`",
    "http: {url: 'http://h', path: a, equals: [1]}": "expected a text",
    "http: {url: 'http://h', path: ''}": "an empty text",
    "window: {}": "always open",
    "window: {open: }": "a key without a value",
    "window: {open: nightly}": "expected a window",
    "window: {freeze: christmas}": "expected a blackout",
    "soak: {}": "`for` is missing in `soak`",
    "soak: {for: 0s}": "`0s`",
    "soak: {for: 1d, since: retained}": "`retained`",
    "soak: {for: 1d, since: expanding}": "`expanding`",
    "plan: {}": "`name` is missing in `plan`",
    "plan: {name: Not A Name}": "`Not A Name`",
    "plan: {name: another, state: expanding}": "`expanding`",
    "plan: {name: users-email}": "a plan that waits for itself",
    "long_transactions: {older_than: 0s}": "`0s`",
    "long_transactions: {older_then: 1m}": "did you mean `older_than`?",
    "table_activity: {}": "`hold` is missing",
    "table_activity: {hold: 7d}": "expected either a `table` or an `index`",
    "table_activity: {table: t}": "`hold` is missing in `table_activity`",
    "table_activity: {table: t, hold: }": "a key without a value",
    "table_activity: {table: t, hold: 0s}": "`0s`",
    "table_activity: {table: t, index: i, hold: 7d}": "expected either a `table` or an `index`",
    "table_activity: {table: a.b.c, hold: 7d}": "has 3 parts",
    "table_activity: {table: , hold: 7d}": "a key without a value",
    "table_activity: {table: t, hold: 7d, counting: []}": "`counting` is empty",
    "table_activity: {table: t, hold: 7d, counting: [scans]}": "`reads` or `writes`",
    "table_activity: {index: i, hold: 7d, counting: [reads]}": "an index is only ever counted when it is read",
    "dependents: {suspects: block}": "`block`",
    "dependents: {suspects: }": "`ask` or `show`",
    "dependents: {acknowledged_by: ''}": "an empty text",
    "dependents: {acknowledged: dba}": "did you mean `acknowledged_by`?",
    "replication: {max_lag: 0s}": "`0s`",
    "replication: {max_lag: 30}": "`30`",
    "replication: {max_lag_bytes: 64}": "`64`",
    "replication: {max_lag_bytes: 512kB}": "`512kB`",
    "replication: {acknowledge: true}": "did you mean `acknowledged_by`?",
    "parity: {share: 0%}": "`0%`",
    "parity: {share: 100%}": "`100%`",
    "parity: {share: 0.05}": "`0.05`",
    "parity: {timeout: 11m}": "`11m`",
    "parity: {shares: full}": "did you mean `share`?",
}


@pytest.mark.parametrize(("gate", "words"), BAD.items(), ids=BAD)
@pytest.mark.parametrize("phase", ["expand", "backfill", "contract"])
def test_a_gate_that_is_no_good_is_refused_in_its_line(gate: str, words: str, phase: str) -> None:
    with pytest.raises(InvalidPlan) as raised:
        parse_plan(f"{GOOD}gates:\n  {phase}:\n    - {gate}\n", "p.yaml")
    (problem,) = raised.value.problems
    assert problem.line == 7
    assert words in f"{problem.message} ({problem.hint})"
    assert problem.hint
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("phase", "since", "good"),
    [
        ("expand", "planned", True),
        ("expand", "expanded", False),
        ("expand", "backfilled", False),
        ("backfill", "planned", True),
        ("backfill", "expanded", True),
        ("backfill", "backfilled", False),
        ("contract", "planned", True),
        ("contract", "expanded", True),
        ("contract", "backfilled", True),
    ],
)
def test_a_soak_counts_from_a_state_before_its_phase(phase: str, since: str, good: bool) -> None:
    text = f"{GOOD}gates: {{{phase}: [soak: {{for: 1h, since: {since}}}]}}\n"
    if good:
        parse_plan(text, "p.yaml")
        return
    with pytest.raises(InvalidPlan, match=f"{phase} begins before the run is {since}"):
        parse_plan(text, "p.yaml")


def test_the_same_gate_is_refused_twice_and_another_of_its_kind_is_not() -> None:
    def read(*gates: str) -> None:
        parse_plan(GOOD + "gates:\n  expand:\n" + "".join(f"    - {g}\n" for g in gates), "p.yaml")

    read("sql: {query: SELECT true}", "sql: {query: SELECT false}", "sql: {query: SELECT true, hold: 1h}")
    with pytest.raises(InvalidPlan, match="listed twice"):
        read("sql: {query: SELECT true}", "sql: {query: SELECT true, timeout: 5s}")


def test_guards_have_defaults_and_every_key_survives_json() -> None:
    text = """\
gates:
  backfill:
    - dependents: {}
    - replication: {}
  contract:
    - dependents: {suspects: show, acknowledged_by: schema-owner}
    - replication: {max_lag: 5s, max_lag_bytes: 1GB, acknowledged_by: cdc-team}
    - parity: {share: 5%, timeout: 30s}
    - parity: {}
"""
    plan = parse_plan(GOOD + text, "p.yaml")
    hanging, replicas = plan.gates.backfill
    assert isinstance(hanging, Dependents)
    assert (hanging.suspects, hanging.acknowledged_by) == ("ask", "dependents")
    assert isinstance(replicas, Replication)
    assert (replicas.max_lag, str(replicas.max_lag_bytes)) == (timedelta(seconds=30), "64MB")
    assert replicas.acknowledged_by == "replication"
    *_, sample, whole = plan.gates.contract
    assert isinstance(sample, Parity)
    assert (sample.fraction, sample.timeout) == (0.05, timedelta(seconds=30))
    assert isinstance(whole, Parity)
    assert (whole.fraction, whole.timeout) == (1.0, timedelta(minutes=5))
    again = Plan.from_json(plan.as_json())
    assert again == plan
    assert plan_digest(again) == plan_digest(plan)


@pytest.mark.parametrize("phase", ["expand", "backfill"])
def test_parity_cannot_be_asked_before_the_rows_are_filled(phase: str) -> None:
    with pytest.raises(InvalidPlan, match="not filled before backfilled"):
        parse_plan(f"{GOOD}gates: {{{phase}: [parity: {{}}]}}\n", "p.yaml")


def test_a_table_and_an_index_can_be_watched_in_front_of_any_phase_and_reads_before_contract() -> None:
    text = """\
gates:
  expand:
    - table_activity: {table: shop.old_orders, hold: 7d}
    - table_activity: {index: '"Odd.Schema"."My Index"', hold: 90d}
  contract:
    - legacy_reads: {}
    - legacy_reads: {stars: block, hold: 1d, mode: observe}
    - table_activity: {table: t, hold: 1d, counting: [writes, writes]}
"""
    plan = parse_plan(GOOD + text, "p.yaml")
    table, index = plan.gates.expand
    assert isinstance(table, TableActivity)
    assert (str(table.table), table.index, table.hold) == ("shop.old_orders", None, timedelta(days=7))
    assert table.counted == ("reads", "writes")
    assert isinstance(index, TableActivity)
    assert (str(index.index), index.counted) == ('"Odd.Schema"."My Index"', ("reads",))
    usual, stars, writes = plan.gates.contract
    assert isinstance(usual, LegacyReads)
    assert (usual.stars, usual.hold) == ("show", None)
    assert isinstance(stars, LegacyReads)
    assert (stars.stars, stars.hold) == ("block", timedelta(days=1))
    assert isinstance(writes, TableActivity)
    assert writes.counted == ("writes",)
    again = Plan.from_json(plan.as_json())
    assert again == plan
    assert plan_digest(again) == plan_digest(plan)


def test_counting_both_means_the_same_as_leaving_it_out() -> None:
    def digest(keys: str) -> str:
        text = f"{GOOD}gates: {{expand: [table_activity: {{table: t, hold: 7d{keys}}}]}}\n"
        return plan_digest(parse_plan(text, "p.yaml"))

    assert digest("") == digest(", counting: [writes, reads]")
    assert digest("") != digest(", counting: [reads]")


@pytest.mark.parametrize("phase", ["expand", "backfill"])
def test_legacy_reads_stands_before_contract_only(phase: str) -> None:
    with pytest.raises(InvalidPlan, match="`legacy_reads` cannot stand before"):
        parse_plan(f"{GOOD}gates: {{{phase}: [legacy_reads: {{}}]}}\n", "p.yaml")
