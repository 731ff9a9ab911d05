"""What the demo says of itself: its JSON, when it is a failure, and the table at its end."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from crossfade.demo.display import show_result
from crossfade.demo.result import DemoResult, Kept
from crossfade.demo.traffic import Failure
from crossfade.workflow.states import State

GOOD = DemoResult(
    state=State.CONTRACTED,
    rows=200_412,
    statements=23_456,
    failed_statements=0,
    longest_statement_ms=23.4567,
    p99_ms_idle=0.8,
    p99_ms_during=1.2,
    lock_attempts=9,
    batches=60,
    parity_mismatches=0,
    seconds=39.41,
    schema_equal=True,
    blocked_by="api 1.4.0 (pod-a) is live",
)
KEYS = [
    "state",
    "rows",
    "statements",
    "failed_statements",
    "longest_statement_ms",
    "p99_ms_idle",
    "p99_ms_during",
    "lock_attempts",
    "batches",
    "parity_mismatches",
    "seconds",
    "schema_equal",
    "blocked_by",
]


def shown(result: DemoResult) -> str:
    stream = io.StringIO()
    show_result(Console(file=stream, width=200, markup=False, highlight=False), result)
    return stream.getvalue()


def test_the_json_document_has_the_keys_that_others_rely_on() -> None:
    assert list(GOOD.as_json()) == KEYS
    assert GOOD.as_json()["state"] == "contracted"


def test_a_demo_in_which_everything_held_is_ok() -> None:
    assert GOOD.ok
    assert "No statement failed" in shown(GOOD)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"failed_statements": 2}, "2 statements failed"),
        ({"parity_mismatches": 1}, "1 rows differ"),
        ({"blocked_by": None}, "not blocked"),
        ({"schema_equal": False}, "not the one that plain DDL gives"),
        ({"state": State.RETAINED}, "ended in state retained"),
    ],
)
def test_each_broken_promise_makes_the_demo_a_failure_that_says_why(change: dict[str, Any], said: str) -> None:
    result = replace(GOOD, **change)
    assert not result.ok
    assert any(said in problem for problem in result.as_json()["problems"])
    assert said in shown(result)
    assert "No statement failed" not in shown(result)


def test_the_first_failed_statements_are_shown() -> None:
    failures = tuple(Failure(instance="api@1.4.0/pod-a", sqlstate="42703", message=f"no {n}") for n in range(9))
    text = shown(replace(GOOD, failed_statements=9, failures=failures))
    assert "api@1.4.0/pod-a: no 0 (SQLSTATE 42703)" in text
    assert "no 8" not in text


def test_a_kept_server_comes_with_the_commands_to_look_inside_and_to_stop_it() -> None:
    kept = Kept(url="postgresql://x", psql="psql postgresql://x", status="crossfade status", stop="kill 12")
    result = replace(GOOD, kept=kept)
    document = result.as_json()
    assert (document["url"], document["stop"]) == ("postgresql://x", "kill 12")
    for command in ("psql postgresql://x", "crossfade status", "kill 12"):
        assert f" {command}\n" in shown(result)
