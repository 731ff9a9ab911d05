"""Workers of Procrastinate as processes, with an app like a user's."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..fixtures.command import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..fixtures.database import Database

APP = """\
import json
import os

import procrastinate

from crossfade.fleet.databases import Database
from crossfade.fleet.procrastinate_tasks import tasks

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["QUEUE_URL"]))
places = [Database(name=name, url=url) for name, url in json.loads(os.environ["PLACES"]).items()]
tasks(app, places, slots=int(os.environ["SLOTS"]), seconds=float(os.environ["SECONDS"]))
"""


def environment(directory: Path, queue: Database, places: str, *, slots: int, seconds: float) -> dict[str, str]:
    """What an app in that directory finds in its environment."""
    (directory / "queue_app.py").write_text(APP, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {"QUEUE_URL": queue.url, "PLACES": places, "SLOTS": str(slots), "SECONDS": str(seconds)}
    return {**kept, **own, "PYTHONPATH": os.pathsep.join([str(directory), os.environ.get("PYTHONPATH", "")])}


def procrastinate(env: dict[str, str], *arguments: str, app: str = "queue_app.app") -> list[str]:
    """A command line of Procrastinate; one that ends is run to its end."""
    command = [sys.executable, "-m", "procrastinate", f"--app={app}", *arguments]
    if arguments[0] != "worker":
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=60)
    return command


class Workers:
    """Starts workers; those that still run are killed at the end of the test."""

    def __init__(self, env: dict[str, str], app: str = "queue_app.app") -> None:
        self._env = env
        self._app = app
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, concurrency: int = 1) -> subprocess.Popen[str]:
        """Another worker."""
        words = ("worker", "--queues=crossfade", f"--concurrency={concurrency}", "--fetch-job-polling-interval=0.2")
        command = procrastinate(self._env, *words, app=self._app)
        process = subprocess.Popen(command, env=self._env, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def close(self) -> None:
        """Kill them."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()


@contextmanager
def workers(env: dict[str, str], app: str = "queue_app.app") -> Iterator[Workers]:
    """For the time of the block."""
    made = Workers(env, app)
    try:
        yield made
    finally:
        made.close()


def jobs(queue: Database, task: str = "crossfade.run_slice") -> list[tuple[Any, ...]]:
    """Status and number of the jobs of a task."""
    return queue.execute(
        "SELECT status::text, count(*) FROM procrastinate_jobs WHERE task_name = %s GROUP BY 1 ORDER BY 1", [task]
    )


def tick(env: dict[str, str], app: str = "queue_app.app") -> None:
    """Let workers look for what is due now, without waiting for the next minute."""
    words = ("defer", "--ignore-already-enqueued", "crossfade.tick", '{"timestamp": 0}')
    procrastinate(env, *words, app=app)
