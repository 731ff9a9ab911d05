"""What a plan, or a command, gets wrong is answered with what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("retain: 10", "add the unit: `10s`"),
        ("backfill: {wal_per_second: 64}", "add the unit: `64MB`"),
        ("retain: true", "write a whole number and its unit"),
    ],
)
def test_a_measure_without_its_unit_is_told_which(offline: Cli, plan: Path, written: str, hint: str) -> None:
    plan.write_text(f"{plan.read_text()}\n{written}\n")
    (problem,) = offline("check", "--json", plan).json()["error"]["problems"]
    assert problem["hint"] == hint
