"""What a person at a terminal sees and is asked."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database
    from .terminal import Terminal

RUN = "users-email"


@pytest.fixture
def approved(cli: Cli, shop: Database, plan: Path) -> Cli:
    """A run that only a person's word keeps from being contracted."""
    assert cli("expand", plan).code == 0
    assert cli("backfill", RUN).code == 0
    assert cli("approve", RUN, "--phase", "contract", "--as", "ana").code == 0
    return cli


@pytest.mark.long
def test_contract_asks_for_the_runs_name(approved: Cli, terminal: Terminal) -> None:
    terminal.start("contract", RUN)
    terminal.until("Type the run's name")
    terminal.type(RUN)
    assert terminal.end() == 0
    assert f"{RUN} is contracted" in terminal.shown


@pytest.mark.long
def test_another_answer_stops_it(approved: Cli, terminal: Terminal) -> None:
    terminal.start("contract", RUN)
    terminal.until("Type the run's name")
    terminal.type("yes")
    assert terminal.end() == 2
    assert "not confirmed" in terminal.shown
    assert approved("status", RUN, "--json").json()["state"] == "backfilled"


@pytest.mark.long
def test_ctrl_c_at_the_question_stops_at_once(approved: Cli, terminal: Terminal) -> None:
    terminal.start("contract", RUN)
    terminal.until("Type the run's name")
    terminal.signal(signal.SIGINT)
    assert terminal.end() == 130
    assert approved("status", RUN, "--json").json()["state"] == "backfilled"


@pytest.mark.long
def test_a_given_name_is_not_asked_for(approved: Cli, terminal: Terminal) -> None:
    terminal.start("contract", RUN, "--confirm", RUN)
    assert terminal.end() == 0
    assert "Type the run's name" not in terminal.shown


@pytest.mark.long
def test_progress_is_shown_as_it_goes(cli: Cli, shop: Database, plan: Path, terminal: Terminal) -> None:
    terminal.start("advance", plan, "--to", "backfilled")
    assert terminal.end() == 0
    for words in ("planned → expanding", "backfilling → backfilled", "✓ ", "compared every row of"):
        assert words in terminal.shown


@pytest.mark.long
def test_watch_ends_when_the_run_is_finished(cli: Cli, shop: Database, plan: Path, terminal: Terminal) -> None:
    assert cli("start", plan).code == 0
    terminal.start("status", RUN, "--watch")
    terminal.until(f"{RUN}: planned")
    assert cli("rollback", RUN).code == 0
    assert terminal.end() == 0
    assert f"{RUN}: rolled_back" in terminal.shown


def test_ctrl_c_ends_watching(cli: Cli, shop: Database, plan: Path, terminal: Terminal) -> None:
    assert cli("start", plan).code == 0
    terminal.start("status", RUN, "--watch")
    terminal.until(f"{RUN}: planned")
    terminal.signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
