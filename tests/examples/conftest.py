"""What the Node snippets of examples/heartbeats need, installed by npm in a copy of them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..fixtures.long import LONG

if TYPE_CHECKING:
    from collections.abc import Iterator

SNIPPETS = Path(__file__).parents[2] / "examples" / "heartbeats" / "node"
OLDEST_NODE = (20, 19)
"""What Prisma 7 asks for."""


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the Node snippets with what they need, made once for all test processes."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node or npm is not installed")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(int(n) for n in said.removeprefix("v").split(".")[:2]) < OLDEST_NODE:
        pytest.skip(f"node is {said}; Prisma wants v20.19 or newer")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    place = shared / "heartbeats-node"
    with (shared / "heartbeats-node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(SNIPPETS, place, ignore=shutil.ignore_patterns("node_modules"))
            install(npm, place)
            (place / "complete").touch()
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield place
        # These are hundreds of megabytes, and pytest keeps its directories: whoever is last takes them away.
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(place)


def install(npm: str, place: Path) -> None:
    """What package-lock.json names; all of it and Prisma's client of the example's schema only for long tests."""
    words = ("--ignore-scripts", "--no-audit", "--no-fund")
    if not LONG:
        described = json.loads((place / "package.json").read_text(encoding="utf-8"))
        described["dependencies"] = {"pg": described["dependencies"]["pg"]}
        del described["devDependencies"]
        (place / "package.json").write_text(json.dumps(described), encoding="utf-8")
        run([npm, "install", *words], place)
        return
    run([npm, "ci", *words], place)
    run([str(place / "node_modules" / ".bin" / "prisma"), "generate", "--schema", "prisma/schema.prisma"], place)


def run(command: list[str], place: Path) -> None:
    """Run it there; what it says is shown where it fails."""
    # Generating a client needs no engine; where one is named, Prisma doesn't fetch it.
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "PRISMA_SCHEMA_ENGINE_BINARY": sys.executable}
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
