"""What a copy of the process does is what would be done here, and whatever becomes of the copy, it is done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# The process of a test may have other threads, and then there is no copy.
BOTH = """
import os, sys
from crossfade.lint.second_processor import both
here = os.getpid()
def second():
    if os.getpid() != here:
        {in_copy}
    return ["second", os.getpid() == here]
print(*both(lambda: ["first", os.getpid() == here], second))
"""


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="a second process is begun with two processors"
)
@pytest.mark.parametrize(
    ("in_copy", "is_done_here"),
    [("pass", False), (f"os.kill(os.getpid(), {int(signal.SIGKILL)})", True), ("raise ValueError", True)],
    ids=["it ends", "it is killed", "it fails"],
)
def test_the_work_of_a_copy_is_done_in_any_case(in_copy: str, *, is_done_here: bool) -> None:
    done = subprocess.run([sys.executable, "-c", BOTH.format(in_copy=in_copy)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"['first', True] ['second', {is_done_here}]\n"), done.stderr


def test_without_a_process_to_be_had_both_are_done_here() -> None:
    refused = "import os; os.fork = lambda: open('/nonexistent')\n"
    done = subprocess.run([sys.executable, "-c", refused + BOTH.format(in_copy="pass")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "['first', True] ['second', True]\n"), done.stderr


def test_many_migrations_are_told_alike_on_one_processor_and_on_two(tmp_path: Path) -> None:
    columns = ", ".join(f"column{number} text" for number in range(10))
    for number in range(120):
        text = f"CREATE TABLE t{number} ({columns});\nALTER TABLE t{number // 2} ADD c{number} int NOT NULL;\n"
        (tmp_path / f"{number:04}_more.sql").write_text(text)
    command = [sys.executable, "-m", "crossfade", "lint", "--json", str(tmp_path)]
    narrowed = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    on_one = f"{narrowed}; os.execv({sys.executable!r}, {command})"
    alone = subprocess.run([sys.executable, "-c", on_one], capture_output=True, text=True)
    both = subprocess.run(command, capture_output=True, text=True)
    assert both.stdout == alone.stdout
    assert both.stdout.count('"rule"') > 100
