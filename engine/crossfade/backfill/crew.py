"""The workers of one process: as many threads as the plan, or a person since, wants."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from crossfade.backfill.worker import work
from crossfade.errors import WorkLeft

if TYPE_CHECKING:
    from crossfade.backfill.job import Job

_LOOK_SECONDS = 0.2


class _Crew:
    """The threads at work on one job, and the first error that any of them ended with."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.errors: list[BaseException] = []
        self.threads: list[threading.Thread] = []
        self.changed = threading.Event()
        self.is_over = False

    def hire(self) -> None:
        """Bring the crew to its wanted size; whoever is too many goes home after the batch in hand."""
        while len(self.threads) < self.job.control.settings.workers and not self.is_over:
            number = len(self.threads)
            thread = threading.Thread(target=self._work, args=[number], name=f"crossfade-worker-{number}", daemon=True)
            self.threads.append(thread)
            thread.start()

    def _work(self, number: int) -> None:
        try:
            work(self.job, lambda: not self.errors and number < self.job.control.settings.workers)
        except BaseException as error:  # noqa: BLE001 -- raised again by the thread that waits
            self.errors.append(error)
        else:
            # One that was sent home says nothing about whether there is work left.
            self.is_over = self.is_over or number < self.job.control.settings.workers
        self.changed.set()

    def wait(self) -> None:
        """Until every thread has ended."""
        while any(t.is_alive() for t in self.threads):
            self.changed.wait(_LOOK_SECONDS)
            self.changed.clear()
            if not self.errors:
                self.threads = [t for t in self.threads if t.is_alive()] if self._shrank() else self.threads
                self.hire()

    def _shrank(self) -> bool:
        return len(self.threads) > self.job.control.settings.workers

    def raise_error(self) -> None:
        """The first error that says more than that there is work left; else the first."""
        said = sorted(self.errors, key=lambda error: isinstance(error, WorkLeft))
        if said:
            raise said[0]


def work_through(job: Job) -> None:
    """Do all batches of a job that there are, with as many workers as are wanted.

    Raises what `work` raises. A KeyboardInterrupt cancels the batches in hand, which are rolled back.
    """
    crew = _Crew(job)
    try:
        crew.hire()
        crew.wait()
    except BaseException:
        crew.is_over = True
        crew.errors.append(WorkLeft("cancelled"))
        while any(t.is_alive() for t in crew.threads):
            job.control.cancel()
            crew.changed.wait(_LOOK_SECONDS)
        raise
    crew.raise_error()
