"""Fixtures of the command line's tests: the command with no database at all, a plan file, a shop, a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..fixtures.command import Cli
from .terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..fixtures.database import Database

PLAN = """\
crossfade: 1
name: users-email
hold: 0s
changes:
  - rename_column: {table: users, from: email, to: email_address}
"""


@pytest.fixture
def offline(tmp_path: Path) -> Iterator[Cli]:
    """The `crossfade` command where nothing says which database is meant."""
    command = Cli("", tmp_path)
    yield command
    command.close()


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan's file."""
    file = tmp_path / "users-email.yaml"
    file.write_text(PLAN)
    return file


@pytest.fixture
def shop(database: Database) -> Database:
    """The test's database with the table of the plan."""
    database.execute("""
        CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
        INSERT INTO users SELECT n, 'user' || n || '@example.org' FROM generate_series(1, 500) n;
    """)
    return database


@pytest.fixture
def terminal(cli: Cli) -> Iterator[Terminal]:
    """The command with a terminal for its input and output."""
    opened = Terminal(cli)
    yield opened
    opened.close()
