"""What a person is told to do about each gate, by what it saw."""

from __future__ import annotations

from typing import Any

import pytest

from crossfade.gates.kinds import KINDS
from crossfade.gates.next_step import next_step

IN_THE_REASON = {"approval", "strangers", "dependents", "replication", "all", "any", "not"}
"""Kinds that say it in their reason, or in those of their parts."""


def sighting(instance: str, needs: str = "old", *, source: str = "heartbeat", fresh: bool = True) -> dict[str, Any]:
    return {"app": "api", "instance": instance, "needs": needs, "source": source, "fresh": fresh}


def step(kind: str, verdict: str, **evidence: Any) -> str | None:
    return next_step(kind, verdict, evidence, holding=False)


def test_every_kind_that_can_block_has_a_step_or_says_it_itself() -> None:
    evidence = {
        "sightings": [sighting("pod-a")],
        "writers": [{"application_name": "cron", "role": "r", "column": "old"}],
        "transactions": [{"pid": 7}],
    }
    kinds = {entry.kind for entry in KINDS}
    silent = {kind for kind in kinds if next_step(kind, "BLOCKED", evidence, holding=False) is None}
    assert silent == IN_THE_REASON & kinds


@pytest.mark.parametrize("kind", sorted(entry.kind for entry in KINDS))
def test_nothing_is_to_be_done_about_a_gate_that_passes(kind: str) -> None:
    assert next_step(kind, "PASS", {}, holding=False) is None


def test_a_hold_is_waited_for() -> None:
    assert next_step("app_version", "BLOCKED", {}, holding=True) == "nothing is to be done but to wait"


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (["pod-a"], "finish the rollout of api, or stop pod-a"),
        (["pod-a", "pod-a", "pod-b"], "finish the rollout of api, or stop pod-a, pod-b"),
        (["a", "b", "c", "d", "e"], "finish the rollout of api, or stop a, b, c and 2 more"),
    ],
)
def test_old_versions_are_rolled_out_or_stopped(seen: list[str], expected: str) -> None:
    others = [sighting("new", "new"), sighting("gone", fresh=False)]
    assert step("app_version", "BLOCKED", sightings=[*others, *map(sighting, seen)]) == expected


def test_a_record_is_replaced_by_another() -> None:
    found = step("app_version", "BLOCKED", sightings=[sighting("deploy", source="record")])
    assert found == "record what has replaced it: crossfade versions record api VERSION"


def test_what_is_unknown_of_an_app_is_a_source_a_version_or_a_heartbeat() -> None:
    failures = [{"app": "api", "source": "kubernetes", "reason": "403"}]
    assert "kubernetes of api" in str(step("app_version", "UNKNOWN", failures=failures, apps={"api": {}}))
    unread = [sighting("pod-a", "unknown")]
    assert "stop pod-a, or let it report" in str(step("app_version", "UNKNOWN", sightings=unread, apps={"api": {}}))
    assert "each instance of api call crossfade.heartbeat" in str(step("app_version", "UNKNOWN", apps={"api": {}}))


def test_a_writer_is_named_and_an_open_transaction_before_it() -> None:
    writers = [{"application_name": "", "role": "batch", "column": "email"}]
    expected = "stop what logs in as batch, or let it write the new name instead of email"
    assert step("legacy_writes", "BLOCKED", writers=writers) == expected
    open_now = [{"pid": None}, {"pid": 4711}]
    found = step("legacy_writes", "BLOCKED", writers=writers, open_transactions=open_now)
    assert found == "let the transaction of pid 4711 end"
    assert step("legacy_writes", "BLOCKED", open_transactions=[{"pid": None}]) is None


def test_a_prepared_transaction_has_no_pid_to_end() -> None:
    assert "PREPARED" in str(step("long_transactions", "BLOCKED", transactions=[{"pid": None}]))
    assert "pg_terminate_backend(7)" in str(step("long_transactions", "BLOCKED", transactions=[{"pid": 7}]))
