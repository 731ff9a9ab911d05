"""The gate `approval`: whose word counts, for which phase of which plan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from crossfade.gates.approval import AnyApproval, Given, Observation, judge, observe
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Phase
from crossfade.plan.gates import Approval

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PASS, BLOCKED = Verdict.PASS, Verdict.BLOCKED


def given(role: str | None = None, digest: str = "this", approver: str = "ada") -> Given:
    return Given(approver=approver, role=role, reason=None, digest=digest, at=NOW, db_user="owner")


def judged(entry: Approval | AnyApproval, *approvals: Given) -> Judgement:
    return judge(Observation(run="users-email", phase="contract", digest="this", approvals=approvals), entry)


OF_DBA = Approval(role="dba")


@pytest.mark.parametrize(
    ("entry", "approvals", "verdict"),
    [
        (AnyApproval(), [], BLOCKED),
        (AnyApproval(), [given()], PASS),
        (AnyApproval(), [given("dba")], PASS),
        (AnyApproval(), [given(digest="another")], BLOCKED),
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
    ],
)
def test_one_approval_of_this_plan_in_the_role_is_enough(
    entry: Approval | AnyApproval, approvals: list[Given], verdict: Verdict
) -> None:
    assert judged(entry, *approvals).verdict is verdict
    assert judged(entry, *reversed(approvals)).verdict is verdict


def test_the_reason_names_who_approved_and_as_what() -> None:
    assert judged(OF_DBA, given("dba"), given("dba", approver="bob")).reason == (
        "approved by ada (dba) at 2026-03-01 12:00:00 UTC"
    )
    assert judged(AnyApproval(), given()).reason == "approved by ada at 2026-03-01 12:00:00 UTC"


def test_while_it_waits_it_says_how_to_approve() -> None:
    assert judged(OF_DBA).reason == (
        "waits for an approval (role dba): crossfade approve users-email --phase contract --as YOU"
    )
    assert judged(AnyApproval(), given("dba", digest="another")).reason.endswith(
        "; an approval of another version of the plan is void"
    )


def test_the_evidence_says_why_an_approval_does_not_count() -> None:
    evidence = judged(OF_DBA, given(digest="another"), given("coordinator"), given()).evidence
    assert [(a["counts"], a["words"]) for a in evidence["approvals"]] == [
        (False, "void: of another version of the plan"),
        (False, "given as coordinator, not as dba"),
        (True, "speaks for every role"),
    ]


def test_only_approvals_of_this_run_and_phase_are_seen_the_latest_first(start: Callable[..., Expanded]) -> None:
    run, another = start(KEYED), start(KEYED)
    another.approve()
    run.approve("expand")
    look = run.look(Phase.CONTRACT)
    assert observe(run.connection, run.subject, OF_DBA, look).approvals == ()
    run.approve(role="first")
    run.approve(role="second", digest="sha256:0")
    seen = observe(run.connection, run.subject, OF_DBA, look)
    assert [(a.role, a.digest) for a in seen.approvals] == [("second", "sha256:0"), ("first", "sha256:1")]
    assert (seen.run, seen.phase, seen.digest) == (run.subject.name, "contract", "sha256:1")
