"""`--help` and `--version` load nothing that is heavy, and every command has its help."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..fixtures.command import Cli

HEAVY = ("pydantic", "psycopg", "rich", "structlog", "pglast", "ruamel", "tenacity", "packaging", "semver")
COMMANDS = (
    *("new", "check", "explain", "schema", "start", "expand", "backfill", "contract", "advance", "rollback", "revert"),
    *("pause", "resume", "status", "gate", "history", "audit", "approve", "init", "doctor", "demo", "versions"),
    "lint",
    *("versions heartbeat", "versions record", "versions list"),
)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["backfill", "--help"]], ids=" ".join)
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    # typer itself reads the arguments of a command with pydantic.
    heavy = [name for name in HEAVY if len(arguments) == 1 or name != "pydantic"]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "crossfade", *arguments], capture_output=True, text=True
    )
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "typer" in imported
    assert imported.isdisjoint(heavy)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_the_common_options(offline: Cli, command: str) -> None:
    done = offline(*command.split(), "--help")
    assert done.code == 0
    for option in ("--database", "--env-file", "--json", "--log-format", "--log-level", "--yes"):
        assert option in done.stdout


def test_help_lists_every_command(offline: Cli) -> None:
    listed = offline("--help").stdout
    assert [c for c in COMMANDS if " " not in c and f"\n  {c} " not in listed] == []


def test_help_lists_them_whatever_else_is_named(offline: Cli) -> None:
    done = subprocess.run([sys.executable, "-m", "crossfade", "--help", "lint"], capture_output=True, text=True)
    assert done.stdout == offline("--help").stdout


def test_version_is_that_of_the_package(offline: Cli) -> None:
    from crossfade import __version__

    assert offline("--version").stdout == f"crossfade {__version__}\n"


def test_without_a_command_the_help_is_shown(offline: Cli) -> None:
    assert offline().stdout == offline("--help").stdout


def test_bash_completes_a_command(offline: Cli) -> None:
    environment = {"_CROSSFADE_COMPLETE": "complete_bash", "COMP_WORDS": "crossfade vers", "COMP_CWORD": "1"}
    assert offline(env=environment).stdout.split() == ["versions"]


def test_the_phases_of_options_are_those_of_the_steps() -> None:
    from crossfade.cli.options import PhaseName
    from crossfade.operations.step import Phase

    assert [p.value for p in PhaseName] == [p.value for p in Phase]
