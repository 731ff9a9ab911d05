"""How much memory a process has resident, while it works."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from ..fixtures.command import Process

GROWTH_MB = 16
"""What a runner may hold more in the last half of a backfill than in the first: none of it may be rows."""


class Memory:
    """Watches how much memory a process has resident, until it ends or the block does."""

    def __init__(self, process: Process) -> None:
        self.megabytes: list[float] = []
        self._status = Path("/proc") / str(process.pid) / "status"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            try:
                lines = self._status.read_text(encoding="utf-8").splitlines()
            except (FileNotFoundError, ProcessLookupError):
                return
            self.megabytes += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")]

    @property
    def halves(self) -> tuple[float, float]:
        """The most in the first half of the time, after the start-up, and in the second."""
        settled = self.megabytes[len(self.megabytes) // 10 :]
        middle = len(settled) // 2
        return max(settled[:middle]), max(settled[middle:])
