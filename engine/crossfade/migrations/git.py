"""Git, asked about the repository that a folder is in. Runs git, and changes nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from crossfade.errors import UsageError


def git(folder: Path, *arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """A run of git in a folder. Raises `UsageError` where git is not installed."""
    command = ["git", "-C", os.fspath(folder), *arguments]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(command, capture_output=True, check=False, env=environment, input=given)  # noqa: S603 - git, named above
    except FileNotFoundError:
        raise UsageError("git is not installed", hint="`--git-diff` asks it which files differ") from None


def top_of(folder: Path) -> Path:
    """The repository's own folder. Raises `UsageError` where there is none."""
    found = git(folder, "rev-parse", "--show-toplevel")
    if found.returncode:
        raise UsageError(
            f"{os.fspath(folder)} is in no git repository that can be read: {reason(found)}",
            hint="`--git-diff` compares with a commit; leave it out to lint all files",
        )
    return Path(os.fsdecode(found.stdout).removesuffix("\n"))


def reason(run: subprocess.CompletedProcess[bytes]) -> str:
    """Why a run of git failed, in its own words."""
    lines = run.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"exit {run.returncode}"
