"""The gate `approval`: whose word counts, for which phase of which plan, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from crossfade.errors import UsageError
from crossfade.gates import approval
from crossfade.gates.approval import AnyApproval, Given, Observation, Word, is_same_person, judge, observe, standing
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import Approval

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PASS, BLOCKED = Verdict.PASS, Verdict.BLOCKED


def given(role: str | None = None, digest: str = "this", approver: str = "ada", **keys: Any) -> Given:
    made = Given(approver=approver, role=role, reason=None, digest=digest, at=NOW - HOUR, db_user="owner")
    return replace(made, **keys)


def judged(entry: Approval | AnyApproval, *approvals: Given, started_by: str = "eva@laptop") -> Judgement:
    observation = Observation(
        run="users-email", phase="contract", now=NOW, digest="this", started_by=started_by, approvals=approvals
    )
    return judge(observation, entry)


OF_DBA = Approval(role="dba")
OF_TWO = Approval(role="dba", count=2)
FOR_A_DAY = Approval.model_validate({"role": "dba", "expires": "1d"})
BY_ANYBODY = Approval(role="dba", four_eyes=False)
GONE = given("dba", is_withdrawn=True)


@pytest.mark.parametrize(
    ("entry", "approvals", "verdict"),
    [
        (AnyApproval(), [], BLOCKED),
        (AnyApproval(), [given()], PASS),
        (AnyApproval(), [given("dba")], PASS),
        (AnyApproval(), [given(digest="another")], BLOCKED),
        (AnyApproval(others=frozenset({"replication"})), [given("replication")], BLOCKED),
        (AnyApproval(others=frozenset({"replication"})), [given("replication"), given("dba")], PASS),
        (OF_DBA, [], BLOCKED),
        (OF_DBA, [given("dba")], PASS),
        (OF_DBA, [given()], PASS),
        (OF_DBA, [given("release-coordinator")], BLOCKED),
        (OF_DBA, [given("DBA")], BLOCKED),
        (OF_DBA, [given("dba", digest="another")], BLOCKED),
        (OF_DBA, [given(digest="another")], BLOCKED),
        (OF_DBA, [given("release-coordinator"), given("dba")], PASS),
        (OF_DBA, [given("dba"), given("dba", digest="another")], PASS),
        (OF_DBA, [given("dba", digest="another"), given("release-coordinator")], BLOCKED),
        # Taken back.
        (OF_DBA, [GONE], BLOCKED),
        (OF_DBA, [GONE, given("dba")], PASS),
        (AnyApproval(), [replace(GONE, role=None)], BLOCKED),
        # Four eyes.
        (AnyApproval(), [given(approver="eva")], BLOCKED),
        (AnyApproval(), [given(approver="eva"), given()], PASS),
        (OF_DBA, [given("dba", approver="Eva@laptop")], BLOCKED),
        (OF_DBA, [given("dba", approver="eva@desktop")], PASS),
        (BY_ANYBODY, [given("dba", approver="eva")], PASS),
        (BY_ANYBODY, [given("intern", approver="eva")], BLOCKED),
        # As many people as it takes.
        (OF_TWO, [given("dba")], BLOCKED),
        (OF_TWO, [given("dba"), given("dba")], BLOCKED),
        (OF_TWO, [given("dba"), given(approver="ADA")], BLOCKED),
        (OF_TWO, [given("dba"), given("dba", approver="bob")], PASS),
        (OF_TWO, [given(), given(approver="bob")], PASS),
        (OF_TWO, [given("dba"), given("intern", approver="bob")], BLOCKED),
        (OF_TWO, [given("dba"), given("dba", approver="eva")], BLOCKED),
        (OF_TWO, [given("dba"), given("dba", approver="bob", is_withdrawn=True)], BLOCKED),
        (OF_TWO, [given("dba"), given("dba", approver="bob", digest="another")], BLOCKED),
        (OF_TWO, [given("dba"), given("dba", approver="bob", at=NOW - 8 * DAY)], BLOCKED),
        (OF_TWO, [given("dba"), given("dba", approver="bob"), given("dba", approver="cleo")], PASS),
        # For as long as it says.
        (FOR_A_DAY, [given("dba", at=NOW - DAY)], PASS),
        (FOR_A_DAY, [given("dba", at=NOW - DAY - timedelta(microseconds=1))], BLOCKED),
        (FOR_A_DAY, [given("dba", at=NOW - 2 * DAY), given("dba")], PASS),
        # Given while the clock was read.
        (FOR_A_DAY, [given("dba", at=NOW + timedelta(seconds=1))], PASS),
        (AnyApproval(), [given(at=NOW - 7 * DAY)], PASS),
        (AnyApproval(), [given(at=NOW - 8 * DAY)], BLOCKED),
    ],
)
def test_enough_approvals_of_this_plan_in_the_role_are_needed(
    entry: Approval | AnyApproval, approvals: list[Given], verdict: Verdict
) -> None:
    assert judged(entry, *approvals).verdict is verdict
    assert judged(entry, *reversed(approvals)).verdict is verdict


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("anna", "anna", True),
        ("anna", " Anna ", True),
        ("anna", "anna@laptop", True),
        ("ANNA@corp.example", "anna@corp.example", True),
        ("anna@laptop", "anna@build-7", False),
        ("anna", "anne", False),
        ("anna b", "anna  b", True),
        ("anna b", "anna", False),
    ],
)
def test_two_names_are_one_persons_if_they_may_be(one: str, other: str, same: bool) -> None:
    assert is_same_person(one, other) is is_same_person(other, one) is same


def test_the_reason_names_who_approved_as_what_and_until_when_it_counts() -> None:
    assert judged(OF_DBA, given("dba"), given("dba", approver="bob")).reason == (
        "approved by ada (dba) at 2026-03-01 11:00:00 UTC, which counts until 2026-03-08 11:00:00 UTC"
    )
    assert judged(OF_TWO, given("dba"), given(approver="bob", at=NOW - DAY)).reason == (
        "approved by ada (dba) at 2026-03-01 11:00:00 UTC and bob at 2026-02-28 12:00:00 UTC,"
        " which counts until 2026-03-07 12:00:00 UTC"
    )


def test_while_it_waits_it_says_how_to_approve_and_why_those_there_are_do_not_count() -> None:
    command = "crossfade approve users-email --phase contract --as YOU"
    assert judged(OF_DBA).reason == f"waits for an approval (role dba): {command}"
    assert judged(OF_DBA, GONE).reason == judged(OF_DBA).reason
    assert judged(AnyApproval(), given(approver="eva")).reason == (
        f"waits for an approval: {command}; that of eva does not count: eva@laptop started the run, and it takes"
        " somebody else (four eyes)"
    )
    assert judged(OF_TWO, given("dba"), given("dba", approver="bob", at=NOW - 9 * DAY), given("x")).reason == (
        f"waits for 2 people to approve (role dba), has 1, ada (dba): {command}; that of bob does not count: expired at"
        " 2026-02-27 12:00:00 UTC"
    )
    assert judged(OF_TWO).reason == f"waits for 2 people to approve (role dba), has 0: {command}"
    many = [given("x", approver=f"p{n}") for n in range(9)]
    assert judged(OF_DBA, *many).reason.count("does not count") == 3


def test_the_evidence_says_why_an_approval_does_not_count() -> None:
    found = [given(digest="another"), given("coordinator"), given(approver="eva"), given(at=NOW - 8 * DAY), GONE]
    evidence = judged(OF_DBA, *found, given()).evidence
    assert [(a["counts"], a["words"]) for a in evidence["approvals"]] == [
        (False, "void, for the plan, what it compiles to or the database is another by now"),
        (False, "given as coordinator, not as dba"),
        (False, "eva@laptop started the run, and it takes somebody else (four eyes)"),
        (False, "expired at 2026-02-28 12:00:00 UTC"),
        (False, "withdrawn"),
        (True, "speaks for every role"),
    ]
    assert evidence["approvals"][5]["expires_at"] == "2026-03-08T11:00:00+00:00"
    assert (evidence["count"], evidence["expires"], evidence["started_by"]) == (1, "7d", "eva@laptop")
    assert len(judged(OF_DBA, *[given()] * 70).evidence["approvals"]) == 50


def test_a_person_takes_back_what_they_said_before_in_the_role_or_in_all() -> None:
    takes_back = given(approver="Ada", withdraws=True)
    ada, bob, dba = given(), given(approver="bob"), given("dba")

    def withdrawn(*said: Given) -> list[bool]:
        return [a.is_withdrawn for a in standing(said)]

    assert withdrawn(ada, bob) == [False, False]
    assert withdrawn(takes_back, dba, bob, ada) == [True, False, True]
    assert withdrawn(ada, takes_back, ada) == [False, True]
    assert withdrawn(replace(takes_back, role="dba"), dba, ada) == [True, False]


def test_taking_note_of_what_another_gate_shows_approves_nothing(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "hold: 0s\ngates:\n  contract:\n    - replication: {acknowledged_by: data-platform}")
    approval.give(run.connection, run.subject.run_id, Word(phase=Phase.CONTRACT, approver="ada", role="data-platform"))
    found = run.gates()["approval"]
    assert found.verdict is BLOCKED
    assert "takes note of what another gate shows" in found.reason


def test_in_words_it_says_who_and_how_many() -> None:
    others = ", other than who started the run,"
    assert approval.in_words(AnyApproval()) == f"somebody{others} has approved with crossfade approve in the last 7d"
    assert approval.in_words(OF_TWO) == f"2 people as dba{others} have approved with crossfade approve in the last 7d"
    assert approval.in_words(replace_entry(BY_ANYBODY, expires=DAY)) == (
        "dba has approved with crossfade approve in the last 1d"
    )


def replace_entry(entry: Approval, **keys: Any) -> Approval:
    return entry.model_copy(update=keys)


def test_only_approvals_of_this_run_and_phase_are_seen_the_latest_first(start: Callable[..., Expanded]) -> None:
    run, another = start(KEYED), start(KEYED)
    another.approve()
    run.approve("expand")
    look = run.look(Phase.CONTRACT)
    assert observe(run.connection, run.subject, OF_DBA, look).approvals == ()
    run.approve(role="first")
    run.approve(role="second", digest="sha256:0")
    seen = observe(run.connection, run.subject, OF_DBA, look)
    assert [(a.role, a.digest) for a in seen.approvals] == [("second", "sha256:0"), ("first", seen.digest)]
    assert (seen.run, seen.phase) == (run.subject.name, "contract")


def verdict(run: Expanded, entry: Approval | AnyApproval = OF_DBA) -> Verdict:
    return judge(observe(run.connection, run.subject, entry, run.look()), entry).verdict


WORD = Word(phase=Phase.CONTRACT, approver="ada", role="dba")


@pytest.mark.long
@pytest.mark.every_server
def test_an_approval_is_void_once_the_program_or_the_plan_is_another(start: Callable[..., Expanded]) -> None:
    run, another = start(KEYED), start(KEYED)
    digest = approval.give(run.connection, run.subject.run_id, WORD)
    assert digest != approval.give(another.connection, another.subject.run_id, WORD)
    assert verdict(run) is PASS
    for change in ("program = program || '{\"steps\": []}'", "digest = 'sha256:2'"):
        with run.connection.transaction(force_rollback=True):
            run.connection.execute(f"UPDATE crossfade.runs SET {change} WHERE id = %s", [run.subject.run_id])
            assert verdict(run) is BLOCKED
        assert verdict(run) is PASS


@pytest.mark.alike
def test_a_copy_of_the_database_is_another(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    approval.give(run.connection, run.subject.run_id, WORD)
    here = run.connection.execute("SELECT crossfade.this_database()").fetchone()
    system, oid = run.connection.execute(
        "SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database())"
        " FROM pg_control_system()"
    ).fetchone() or (None, None)
    assert here == (f"{system} {oid}",)
    with run.connection.transaction(force_rollback=True):
        run.connection.execute(
            "CREATE OR REPLACE FUNCTION crossfade.this_database() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER"
            " SET search_path = pg_catalog, pg_temp AS $$ SELECT 'elsewhere'::text $$"
        )
        assert verdict(run) is BLOCKED
    assert verdict(run) is PASS


def test_without_rights_on_the_servers_identity_a_database_is_known_by_its_name(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("CREATE ROLE approval_plain")
    with run.connection.transaction(force_rollback=True):
        run.connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        run.connection.execute("ALTER FUNCTION crossfade.this_database() OWNER TO approval_plain")
        found = run.connection.execute("SELECT crossfade.this_database(), current_database()").fetchone()
        assert found is not None
        assert found[0].rsplit(" ", 1)[0] == found[1]


def test_an_approval_counts_from_the_ledger_until_it_is_taken_back(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run_id = run.subject.run_id
    with pytest.raises(UsageError, match="ada has not approved contract as dba"):
        approval.withdraw(run.connection, run_id, WORD)
    approval.give(run.connection, run_id, WORD)
    assert verdict(run) is PASS
    assert verdict(run, OF_TWO) is BLOCKED
    approval.withdraw(run.connection, run_id, WORD)
    assert verdict(run) is BLOCKED
    with pytest.raises(UsageError, match="withdrawn it already"):
        approval.withdraw(run.connection, run_id, WORD)
    approval.give(run.connection, run_id, WORD)
    assert verdict(run) is PASS
    for name in ("", "  ", "a\nb"):
        with pytest.raises(UsageError, match="no readable text"):
            approval.give(run.connection, run_id, replace(WORD, approver=name))


def test_who_started_the_run_does_not_approve_it(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    approval.give(run.connection, run.subject.run_id, WORD)
    with run.connection.transaction(force_rollback=True):
        run.connection.execute(
            "UPDATE crossfade.runs SET started_by = 'Ada@laptop' WHERE id = %s", [run.subject.run_id]
        )
        assert verdict(run) is verdict(run, AnyApproval()) is BLOCKED
        assert verdict(run, BY_ANYBODY) is PASS


def test_the_databases_clock_says_when_an_approval_expires(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.connection.execute(
        "INSERT INTO crossfade.approvals (run_id, phase, digest, approver, at)"
        " VALUES (%s, 'contract', crossfade.approved_digest(%s), 'ada', clock_timestamp() - interval '25 h')",
        [run.subject.run_id, run.subject.run_id],
    )
    assert verdict(run, AnyApproval()) is PASS
    assert verdict(run, FOR_A_DAY) is BLOCKED


def test_what_was_approved_is_kept_for_good(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.approve()
    for change in ("UPDATE crossfade.approvals SET approver = 'me'", "DELETE FROM crossfade.approvals"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            run.sql(change)
