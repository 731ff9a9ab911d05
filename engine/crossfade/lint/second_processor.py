"""Half of a long work is done by a copy of this process, so that a second processor has a part in it.

A copy has all that there is when it is made, so that only what it gives has to travel. Whatever becomes of it, the work
is done: what it did not give is done here.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_First = TypeVar("_First")
_Second = TypeVar("_Second")


def both(first: Callable[[], _First], second: Callable[[], _Second]) -> tuple[_First, _Second]:
    """What the two give; the second, which must change nothing, may be done in a copy of the process.

    A copy has one thread only, and would wait for ever for what another one holds.
    """
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2 or threading.active_count() > 1:
        return first(), second()
    try:
        copy, pipe = _begun(second)
    except OSError:
        # No more processes, no memory for one: there is time.
        return first(), second()
    try:
        done = first()
        with os.fdopen(pipe, "rb") as given:
            answer = given.read()
    except BaseException:
        with suppress(ProcessLookupError):
            os.kill(copy, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(copy, 0)
    return done, pickle.loads(answer) if status == 0 else second()  # noqa: S301  # from ourselves


def _begun(work: Callable[[], object]) -> tuple[int, int]:
    """The process that does it, and where to read what it gives."""
    reader, writer = os.pipe()
    try:
        copy = os.fork()
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    if copy:
        os.close(writer)
        return copy, reader
    status = 1
    try:
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(work(), pipe)
        status = 0
    finally:
        # Nothing else of this process is to be done twice, such as writing what its files still hold.
        os._exit(status)
