"""A server that crashes and comes back, by PostgreSQL's own programs."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg

if TYPE_CHECKING:
    from crossfade.postgres.server import EmbeddedServer

SECONDS = 60.0


class Crashing:
    """Crashes an embedded server and starts it again on the same data; stops what it has started, at the end."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self._data = server.data_dir
        # The line with which the server was started: its program, then its options.
        self._program = Path(shlex.split((self._data / "postmaster.opts").read_text(encoding="utf-8"))[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if (self._data / "postmaster.pid").exists():
            self._pg_ctl("stop", "-m", "immediate")

    def restart_immediately(self) -> None:
        """What happens when the machine's init system loses its patience: no checkpoint, all sessions cut."""
        self._pg_ctl("restart", "-m", "immediate")
        self._await_ready()

    def kill_the_postmaster(self) -> None:
        """What the kernel does when memory runs out; the other processes notice and go."""
        postmaster = int((self._data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        os.kill(postmaster, signal.SIGKILL)
        until = time.monotonic() + SECONDS
        # Not `start`, which would forget the options. It fails until the last child has let go of the shared memory.
        while self._pg_ctl("restart", "-m", "immediate", must=time.monotonic() > until):
            time.sleep(0.1)
        self._await_ready()

    def _pg_ctl(self, *words: str, must: bool = True) -> int:
        owner = self._data.stat()
        log = self._data.parent / "restarted.log"
        done = subprocess.run(
            [str(self._program.with_name("pg_ctl")), "-D", str(self._data), "-l", str(log), "-w", "-s", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._data,
            user=owner.st_uid if os.geteuid() == 0 else None,
            group=owner.st_gid if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            timeout=SECONDS,
        )
        assert done.returncode == 0 or not must, (words, log.read_text(encoding="utf-8", errors="replace"))
        return done.returncode

    def _await_ready(self) -> None:
        until = time.monotonic() + SECONDS
        while True:
            try:
                psycopg.connect(self.server.url()).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.05)
