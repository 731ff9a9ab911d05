"""What the suite has a short form of, in full and on every server: the tests marked `long`, and those marked `alike`.

    CROSSFADE_LONG=1 CROSSFADE_EVERY_SERVER=1 pytest -m "long or alike"

is the same by hand; with a path behind it, the same of one file. Without -m everything runs, long or not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PLACES = (
    "tests/backfill",
    "tests/cli",
    "tests/examples",
    "tests/fleet",
    "tests/gates",
    "tests/migrations",
    "tests/operations",
    "tests/plans",
    "tests/postgres",
    "tests/scenarios",
    "tests/types",
    "tests/workflow",
)


@pytest.mark.parametrize("place", PLACES)
def test_the_long_forms_hold(place: str, figure: Callable[[str, object], None]) -> None:
    words = ["-m", "pytest", "-q", "-m", "long or alike", "-n", "2", "-p", "no:cacheprovider", place]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**kept, "CROSSFADE_LONG": "1", "CROSSFADE_EVERY_SERVER": "1"}
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout[-20000:]
    figure("said", done.stdout.splitlines()[-1].strip("= "))
