"""What the tests of printed types need: a database with one of everything, TypeScript and node-postgres."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..fixtures.database import Database

HERE = Path(__file__).parent


@pytest.fixture
def everything(database: Database) -> Database:
    """The test's database with one of everything."""
    database.execute((HERE / "everything.sql").read_text(encoding="utf-8"))
    return database


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with TypeScript's compiler and node-postgres, installed once for all test processes."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node or npm is not installed")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    place = shared / "types-node"
    with (shared / "types-node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(HERE / "node", place, ignore=shutil.ignore_patterns("node_modules"))
            done = subprocess.run(
                [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=place,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=300,
            )
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
            (place / "complete").touch()
    return place
