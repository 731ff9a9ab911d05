"""What a person sees while gates are waited for: who blocks, what to do about it, and how long a hold still runs."""

from __future__ import annotations

import io
import signal
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from crossfade.cli.blockers import blocking
from crossfade.cli.gate_live import picture

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database
    from .terminal import Terminal

RUN = "users-email"
OLD = {
    "app": "api",
    "version": "1.4.0",
    "instance": "pod-a",
    "source": "heartbeat",
    "host": "10.0.0.7",
    "first_seen": "2026-11-26T11:00:00+00:00",
    "fresh": True,
    "needs": "old",
}


def gate(verdict: str = "BLOCKED", **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"kind": "app_version", "mode": "enforce", "reason": "why", "hint": None, "evidence": {}}
    times = {"checked_at": "2026-11-26T12:00:00+00:00", "hold_until": None, "passing_since": None}
    return {"verdict": verdict, **given, **times, **more}


def drawn(*gates: dict[str, Any], since_look: float = 0.0) -> str:
    where = Console(file=io.StringIO(), width=160, markup=False)
    document = {"phase": "contract", "verdict": "BLOCKED", "gates": list(gates)}
    where.print(picture(RUN, document, waits_for=125, since_look=since_look))
    assert isinstance(where.file, io.StringIO)
    return where.file.getvalue()


def test_who_blocks_and_what_to_do_about_it() -> None:
    shown = drawn(gate(evidence={"sightings": [OLD]}, hint="stop pod-a"))
    assert "waits for up to 2m05s more" in shown
    for word in ("api", "1.4.0", "pod-a", "10.0.0.7", "2026-11-26 11:00:00Z", "heartbeat", "→ stop pod-a"):
        assert word in shown


def test_a_hold_is_counted_down_from_the_databases_clock() -> None:
    holding = gate(hold_until="2026-11-26T12:10:00+00:00")
    assert "10m00s until it is over" in drawn(holding)
    assert "9m57s until it is over" in drawn(holding, since_look=3)
    assert "0s until it is over" in drawn(holding, since_look=10_000)


def test_a_gate_that_passes_takes_one_line() -> None:
    assert drawn(gate("PASS", evidence={"sightings": [OLD]})).splitlines()[1:] == ["  PASS     app_version"]


def test_more_than_a_screenful_is_cut() -> None:
    shown = drawn(gate(evidence={"sightings": [OLD | {"instance": f"pod-{n}"} for n in range(50)]}))
    assert "pod-7" in shown
    assert "pod-8" not in shown
    assert "and more" in shown


@pytest.mark.parametrize(
    ("kind", "evidence", "who"),
    [
        ("app_version", {"sightings": [OLD, OLD | {"fresh": False}, OLD | {"needs": "new"}]}, ["api"]),
        (
            "legacy_writes",
            {
                "writers": [
                    {
                        "application_name": "",
                        "role": "batch",
                        "address": None,
                        "relation": "public.users",
                        "column": "email",
                        "last_at": "2026-11-26T11:59:00+00:00",
                    }
                ]
            },
            ["role batch"],
        ),
        (
            "strangers",
            {
                "strangers": [
                    {"application_name": "psql", "role": "r", "address": None, "pid": 7, "since": None, "by": "x"}
                ]
            },
            ["psql"],
        ),
        (
            "long_transactions",
            {"transactions": [{"name": "", "role": "r", "pid": 7, "database": "d", "since": None}]},
            ["role r"],
        ),
        ("sql", {"value": False}, []),
    ],
)
def test_those_who_block_by_kind(kind: str, evidence: dict[str, Any], who: list[str]) -> None:
    assert [one.who for one in blocking(gate(kind=kind, evidence=evidence))] == who
    inside = gate(kind="all", gates=[gate(kind=kind, evidence=evidence), gate("PASS", kind=kind, evidence=evidence)])
    assert [one.who for one in blocking(inside)] == who


@pytest.fixture
def roster(cli: Cli, shop: Database, plan: Path) -> Cli:
    """A run that an old instance keeps from being contracted."""
    plan.write_text(plan.read_text() + 'apps:\n  api: {scheme: semver, new: ">=2.0.0", ttl: 1h}\n')
    assert cli("advance", plan, "--to", "backfilled").code == 0
    assert cli("versions", "heartbeat", "api", "1.4.0", "--instance", "pod-7f9c").code == 0
    return cli


@pytest.mark.long
def test_waiting_shows_the_old_instance_until_it_is_gone(roster: Cli, shop: Database, terminal: Terminal) -> None:
    terminal.start("gate", RUN, "--wait", "60s")
    terminal.until("or stop pod-7f9c")
    shop.execute("UPDATE crossfade.sightings SET version = '2.0.0'")
    assert terminal.end() == 0
    assert "gates of contract: PASS" in terminal.shown


@pytest.mark.long
def test_ctrl_c_ends_waiting(roster: Cli, terminal: Terminal) -> None:
    terminal.start("gate", RUN, "--wait", "60s")
    terminal.until("waits for up to")
    terminal.signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "Traceback" not in terminal.shown


@pytest.mark.long
def test_without_a_terminal_the_log_says_it_and_the_answer_comes_once(roster: Cli) -> None:
    done = roster("gate", RUN, "--wait", "2s")
    assert done.code == 3
    assert done.stderr.count("gates_evaluated") == 1
    assert "1.4.0" in done.stderr
    assert done.stdout.count("gates of contract: BLOCKED") == 1
