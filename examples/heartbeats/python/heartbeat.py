"""Says to crossfade that this instance is live, and lets it end where its version may not work there any more.

Copy this file and the one for your library. What goes wrong with a heartbeat is logged and never ends the app: only an
answer of `false` does, at the start by `Fenced`, later by `on_fenced`.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

log = logging.getLogger("heartbeat")


class Fenced(RuntimeError):
    """This version may not work on the database as it is now."""


@dataclass(frozen=True)
class Instance:
    app: str
    """As the plan's roster calls it."""
    version: str
    name: str
    """Its own: host name, pod name."""

    @property
    def application_name(self) -> str:
        """For every connection of the app, so that crossfade and you can tell whose it is."""
        return f"{self.app}@{self.version}/{self.name}"


class Database(Protocol):
    def can_i_run(self) -> bool: ...
    def heartbeat(self) -> bool: ...


def start(database: Database, on_fenced: Callable[[], object], seconds: float = 20.0) -> None:
    """Ask whether this version may run, then report it from a thread of its own until the process ends.

    Raises Fenced where it may not. `on_fenced` is called once when a heartbeat is told so later: it begins a shutdown
    and returns at once, since an instance that finishes its work is still live and has to be reported.
    """
    try:
        allowed = database.can_i_run()
    except Exception:
        log.warning("could not ask whether this version may run; starting all the same", exc_info=True)
    else:
        if allowed is False:
            raise Fenced("this version may not work on the database as it is now; ask: crossfade can-i-run APP VERSION")
    threading.Thread(target=_report, args=(database, on_fenced, seconds), name="heartbeat", daemon=True).start()


def _report(database: Database, on_fenced: Callable[[], object], seconds: float) -> None:
    told = failing = False
    while True:
        try:
            if database.heartbeat() is False and not told:
                log.critical("this version may not work on the database any more: shutting down")
                on_fenced()
                told = True
            if failing:
                log.warning("heartbeats work again")
            failing = False
        except Exception:
            if not failing:
                log.warning("a heartbeat failed; the app goes on, and so do heartbeats", exc_info=True)
            failing = True
        # Instances that were started together don't stay together.
        time.sleep(seconds * random.uniform(0.8, 1.2))
