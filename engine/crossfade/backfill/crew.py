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
        self.threads: dict[int, threading.Thread] = {}
        self.changed = threading.Event()
        self.is_over = False

    def hire(self) -> None:
        """Bring the crew to its wanted size; whoever is too many goes home after the batch in hand."""
        self.threads = {number: thread for number, thread in self.threads.items() if thread.is_alive()}
        for number in range(self.job.control.settings.workers):
            if self.is_over or self.errors:
                return
            if number not in self.threads:
                name = f"crossfade-worker-{number}"
                self.threads[number] = threading.Thread(target=self._work, args=[number], name=name, daemon=True)
                self.threads[number].start()

    def _work(self, number: int) -> None:
        try:
            work(self.job, lambda: not self.errors and number < self.job.control.settings.workers)
        except BaseException as error:  # noqa: BLE001 -- raised again by the thread that waits
            self.errors.append(error)
        else:
            # One that was sent home says nothing about whether there is work left.
            self.is_over = self.is_over or number < self.job.control.settings.workers
        self.changed.set()

    def is_at_work(self) -> bool:
        """Whether any thread has not ended."""
        return any(thread.is_alive() for thread in self.threads.values())

    def wait(self) -> None:
        """Until every thread has ended."""
        while self.is_at_work():
            self.changed.wait(_LOOK_SECONDS)
            self.changed.clear()
            self.hire()

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
        while crew.is_at_work():
            job.control.cancel()
            crew.changed.wait(_LOOK_SECONDS)
        raise
    crew.raise_error()
