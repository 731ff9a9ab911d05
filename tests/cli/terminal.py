"""A pseudo-terminal with a command in it, for what only a person sees."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli

SECONDS = 60.0


class Terminal:
    """Runs one command; what it prints is read with `until` and `end`, what a person types is given to `type`."""

    def __init__(self, cli: Cli) -> None:
        self._cli = cli
        self._process: subprocess.Popen[bytes] | None = None
        self._master = -1
        self.shown = ""

    def start(self, *arguments: str | Path, **variables: str) -> None:
        """Start a command; the variables go over its environment."""
        self._master, slave = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "CROSSFADE_", "DATABASE_URL"))}
        environment |= {"CROSSFADE_DATABASE_URL": self._cli.url, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "200"}
        environment |= variables
        self._process = subprocess.Popen(
            [sys.executable, "-m", "crossfade", *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=self._cli.directory,
            start_new_session=True,
        )
        os.close(slave)

    def until(self, text: str) -> None:
        """Wait until that text has been shown."""
        deadline = time.monotonic() + SECONDS
        while text not in self.shown:
            assert self._read(deadline), f"{text!r} was never shown:\n{self.shown}"

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._master, f"{text}\n".encode())

    def signal(self, number: int) -> None:
        """Send the command a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait for the command's end; its exit code."""
        assert self._process is not None
        deadline = time.monotonic() + SECONDS
        while self._read(deadline):
            pass
        return self._process.wait(timeout=SECONDS)

    def close(self) -> None:
        """Kill what still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._master >= 0:
            os.close(self._master)

    def _read(self, deadline: float) -> bool:
        """Take what is shown next; False at the end. The test fails where nothing comes until the deadline."""
        left = max(0.0, deadline - time.monotonic())
        assert select.select([self._master], [], [], left)[0], f"nothing more was shown in time:\n{self.shown}"
        try:
            read = os.read(self._master, 65536)
        except OSError:
            return False
        self.shown += read.decode(errors="replace")
        return bool(read)
