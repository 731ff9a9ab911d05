"""All gates of a phase asked together: what is recorded, and that one which fails harms no other."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.gates import hold, sightings
from crossfade.gates.approval import AnyApproval
from crossfade.gates.evaluate import evaluate
from crossfade.gates.phase_gates import describe, gates_of
from crossfade.gates.verdict import Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import Approval, AppVersion, LegacyWrites, Strangers
from crossfade.plan.load import parse_plan
from crossfade.postgres.clock import database_now

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
ROSTER = 'apps:\n  api: {scheme: semver, new: ">=2.0.0"}\n'
NO_HOLD = ROSTER + "hold: 0s\n"
WRITTEN = ("evaluations", "passing", "sightings", "legacy_writes", "events")


def counts(run: Expanded) -> list[int]:
    """How many rows there are in each table that a look may write to."""
    return [run.sql(f"SELECT count(*) FROM crossfade.{table}")[0][0] for table in WRITTEN]


def test_a_look_is_recorded_with_its_evidence(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, NO_HOLD)
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    found = run.evaluate()
    assert found.verdict is PASS
    assert {g.kind for g in found.gates} == {"app_version", "legacy_writes", "strangers"}
    kept = run.sql("SELECT phase, verdict, gates FROM crossfade.evaluations WHERE run_id = %s", [run.subject.run_id])
    assert kept == [("contract", "PASS", found.as_json()["gates"])]
    assert "pod-a" in str(kept)


def test_an_answer_that_stays_the_same_is_kept_once_a_minute_and_a_pass_always(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, NO_HOLD)

    def kept() -> list[str]:
        query = "SELECT verdict FROM crossfade.evaluations WHERE run_id = %s ORDER BY id"
        return [verdict for (verdict,) in run.sql(query, [run.subject.run_id])]

    run.evaluate()
    run.evaluate()
    assert kept() == ["UNKNOWN"]
    run.sql("UPDATE crossfade.evaluations SET at = at - interval '61 s' WHERE run_id = %s", [run.subject.run_id])
    run.evaluate()
    assert kept() == ["UNKNOWN"] * 2
    sightings.heartbeat(run.connection, "api", "1.4.0", "pod-a")
    run.evaluate()
    run.evaluate()
    assert kept()[2:] == ["BLOCKED"]
    run.connection.execute("DELETE FROM crossfade.sightings")
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    run.evaluate()
    run.evaluate()
    assert kept()[3:] == ["PASS"] * 2


@pytest.mark.parametrize("plan", [NO_HOLD, ROSTER, "hold: 0s"], ids=["no hold", "hold", "approval"])
def test_a_look_that_is_not_recorded_writes_nothing_and_answers_the_same(
    start: Callable[..., Expanded], plan: str
) -> None:
    run = start(KEYED, plan)
    run.approve()
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    run.app("api@2.0.0/pod-b")
    before = counts(run)
    seen = {kind: gate.verdict for kind, gate in run.gates(record=False).items()}
    assert counts(run) == before
    assert seen == {kind: gate.verdict for kind, gate in run.gates().items()}
    assert counts(run) != before


def test_phases_without_gates_pass(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER)
    for phase in (Phase.EXPAND, Phase.BACKFILL):
        found = run.evaluate(phase)
        assert (found.verdict, found.gates) == (PASS, ())


def test_without_a_roster_contract_waits_for_anybodys_approval_and_shows_old_writes(
    start: Callable[..., Expanded],
) -> None:
    run = start(KEYED, "hold: 1h")
    run.sql("UPDATE t SET old = 'x'")
    gates = run.gates()
    assert (gates["approval"].verdict, gates["approval"].mode) == (BLOCKED, "enforce")
    assert (gates["legacy_writes"].verdict, gates["legacy_writes"].mode) == (BLOCKED, "observe")
    run.approve()
    assert run.evaluate().verdict is PASS


def test_a_hold_begins_goes_on_is_broken_and_begins_again(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER + "hold: 1h\n")
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    first = run.gates()["app_version"]
    assert first.verdict is BLOCKED
    second = run.gates()["app_version"]
    assert second.passing_since == first.passing_since
    assert second.hold_until == first.hold_until
    back = "UPDATE crossfade.passing SET since = since - interval '1 h' WHERE run_id = %s"
    run.connection.execute(back, [run.subject.run_id])
    assert run.gates()["app_version"].verdict is PASS
    run.connection.execute("UPDATE crossfade.sightings SET last_seen = last_seen - interval '61 s'")
    assert run.gates()["app_version"].verdict is UNKNOWN
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    third = run.gates()["app_version"]
    assert third.verdict is BLOCKED
    assert third.passing_since is not None
    assert first.passing_since is not None
    assert third.passing_since > first.passing_since


def test_gates_of_one_kind_are_held_each_by_itself(start: Callable[..., Expanded]) -> None:
    plan = (
        ROSTER + '  worker: {scheme: integer, new: ">=7"}\nhold: 1h\n'
        "gates:\n  contract:\n    - app_version: {apps: [api]}\n    - app_version: {apps: [worker]}\n"
    )
    run = start(KEYED, plan)
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    api, worker = (g for g in run.evaluate().gates if g.kind == "app_version")
    assert (api.verdict, worker.verdict) == (BLOCKED, UNKNOWN)
    sightings.heartbeat(run.connection, "worker", "7", "w")
    api_again, worker = (g for g in run.evaluate().gates if g.kind == "app_version")
    assert api_again.passing_since == api.passing_since
    assert worker.passing_since is not None
    assert api.passing_since is not None
    assert worker.passing_since > api.passing_since


BROKEN = "ALTER TABLE crossfade.approvals RENAME TO mislaid"
MENDED = "ALTER TABLE crossfade.mislaid RENAME TO approvals"
WITH_APPROVAL = NO_HOLD + "gates:\n  contract:\n    - approval: {role: dba}\n"


@pytest.mark.parametrize("in_a_transaction", [False, True])
def test_a_gate_that_cannot_be_asked_answers_error_and_the_others_answer(
    start: Callable[..., Expanded], in_a_transaction: bool
) -> None:
    run = start(KEYED, WITH_APPROVAL)
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    run.sql(BROKEN)
    try:
        if in_a_transaction:
            with run.connection.transaction():
                gates = run.gates()
        else:
            gates = run.gates()
    finally:
        run.sql(MENDED)
    assert gates["approval"].verdict is ERROR
    assert gates["approval"].reason.startswith(
        'approval cannot be asked: relation "crossfade.approvals" does not exist'
    )
    assert gates["approval"].evidence == {"error": "UndefinedTable", "sqlstate": "42P01"}
    assert gates["app_version"].verdict is gates["legacy_writes"].verdict is PASS
    recorded = run.sql("SELECT verdict FROM crossfade.evaluations WHERE run_id = %s", [run.subject.run_id])
    assert recorded == [("ERROR",)]


def test_a_gate_that_failed_has_to_be_held_anew(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, ROSTER + "hold: 1h\n")
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    first = run.gates()["app_version"]
    run.sql("ALTER TABLE crossfade.sightings RENAME TO mislaid")
    try:
        assert run.gates()["app_version"].verdict is ERROR
    finally:
        run.sql("ALTER TABLE crossfade.mislaid RENAME TO sightings")
    again = run.gates()["app_version"]
    assert again.passing_since is not None
    assert first.passing_since is not None
    assert again.passing_since > first.passing_since


def test_a_lost_connection_is_no_verdict(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, NO_HOLD)
    run.sql("SELECT pg_terminate_backend(%s, 5000)", [run.connection.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        run.evaluate()


def test_the_plans_own_gates_stand_beside_the_defaults_and_replace_those_of_their_kind() -> None:
    def kinds(extra: str, phase: Phase = Phase.CONTRACT) -> list[tuple[type, str, float]]:
        text = f"crossfade: 1\nname: p\n{extra}\nchanges:\n  - rename_column: {{table: t, from: a, to: b}}\n"
        gates = gates_of(parse_plan(text, "p.yaml"), phase)
        return [(type(g.entry), g.entry.mode, g.hold.total_seconds()) for g in gates]

    contract = "gates:\n  contract:\n    - "
    assert kinds("") == [(AnyApproval, "enforce", 0), (LegacyWrites, "observe", 600)]
    assert kinds(ROSTER) == [(AppVersion, "enforce", 600), (LegacyWrites, "enforce", 600), (Strangers, "enforce", 600)]
    assert kinds(ROSTER + "hold: 5s\n" + contract + "approval: {role: dba}") == [
        (AppVersion, "enforce", 5),
        (LegacyWrites, "enforce", 5),
        (Strangers, "enforce", 5),
        (Approval, "enforce", 0),
    ]
    assert kinds(ROSTER + contract + "legacy_writes: {mode: observe}") == [
        (AppVersion, "enforce", 600),
        (Strangers, "enforce", 600),
        (LegacyWrites, "observe", 600),
    ]
    assert kinds(ROSTER + contract + "strangers: {mode: observe, hold: 0s}") == [
        (AppVersion, "enforce", 600),
        (LegacyWrites, "enforce", 600),
        (Strangers, "observe", 0),
    ]
    assert kinds(contract + "approval: {role: dba}") == [(LegacyWrites, "observe", 600), (Approval, "enforce", 0)]
    assert kinds("gates:\n  expand:\n    - approval: {role: dba}", Phase.EXPAND) == [(Approval, "enforce", 0)]
    assert kinds(ROSTER, Phase.EXPAND) == kinds("", Phase.BACKFILL) == []


def test_a_gate_is_described_with_its_apps_its_hold_and_whether_it_counts() -> None:
    text = f"crossfade: 1\nname: p\n{ROSTER}changes:\n  - rename_column: {{table: t, from: a, to: b}}\n"
    assert [describe(g) for g in gates_of(parse_plan(text, "p.yaml"), Phase.CONTRACT)] == [
        "app_version: every live instance of api is in its `new` range, for 10m without a break",
        "legacy_writes: nothing writes the old shape, for 10m without a break",
        (
            "strangers: nobody is connected or sighted who may use the tables and is of no app in the roster, "
            "for 10m without a break"
        ),
    ]
    (approval, shown) = gates_of(parse_plan(text.replace(ROSTER, "hold: 0s\n"), "p.yaml"), Phase.CONTRACT)
    assert describe(approval) == (
        "approval: somebody, other than who started the run, has approved with crossfade approve in the last 7d"
    )
    assert describe(shown).endswith("(shown only)")


SLOW = "hold: 0s\ngates:\n  contract:\n    - sql: {query: SELECT pg_sleep(1.1) IS NOT NULL, timeout: 6s}\n"


def test_after_a_gate_that_took_long_the_others_are_asked_again(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, SLOW + "    - sql: {query: SELECT true}")
    slow, quick = (g for g in run.evaluate().gates if g.kind == "sql")
    assert (quick.checked_at - slow.checked_at).total_seconds() > 1


@pytest.mark.long
def test_while_others_hold_the_phase_back_one_that_may_take_long_is_not_asked_again(
    start: Callable[..., Expanded],
) -> None:
    run = start(KEYED, SLOW)
    before = run.evaluate()
    assert before.verdict is BLOCKED
    after = evaluate(run.connection, run.subject, Phase.CONTRACT, before=before)
    (slow,) = (g for g in before.gates if g.kind == "sql")
    assert slow in after.gates
    run.approve()
    after = evaluate(run.connection, run.subject, Phase.CONTRACT, before=after)
    assert after.verdict is PASS
    assert slow not in after.gates


def test_the_time_that_others_take_to_answer_breaks_no_hold(
    start: Callable[..., Expanded], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = "gates: {contract: [exec: {command: ['true'], timeout: 60s, mode: observe}]}\n"
    roster = ROSTER.replace("new:", "ttl: 1h, new:")
    run = start(KEYED, f"{roster}hold: 10m\n{outside}")
    sightings.heartbeat(run.connection, "api", "2.0.0", "pod-a")
    # Each look begins, has heard what is outside half a minute later, and ends.
    seconds = iter([0, 30, 30, 30, 60, 60, 66, 96, 96])
    began = database_now(run.connection)
    monkeypatch.setattr(
        "crossfade.gates.evaluate.database_now", lambda _connection: began + timedelta(seconds=next(seconds))
    )
    assert timedelta(seconds=5) == hold.LONGEST_BLINK
    since = [run.gates()["strangers"].passing_since for _ in range(2)]
    assert since == [began + timedelta(seconds=30)] * 2
    away = run.gates()["strangers"]
    assert away.passing_since == began + timedelta(seconds=96)
    assert "nobody looked from" in away.reason
