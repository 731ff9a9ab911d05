"""Work that calls itself more often than the usual stack takes. Pure."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_STACK = 512 * 1024 * 1024
"""Bytes of address space; memory is taken only as it is used."""
_CALLS = 400_000
"""Python's calls inside of each other; each takes less than a kilobyte of that."""
_starting = threading.Lock()
_counting = threading.Lock()


def on_large_stack(work: Callable[[], _T]) -> _T:
    """What the work gives, done by a thread with a large stack: for code in C."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        with _starting:
            usual = threading.stack_size(_STACK)
            try:
                done = executor.submit(work)
            finally:
                threading.stack_size(usual)
        return done.result()


def as_deep_as_it_takes(work: Callable[[], _T]) -> _T:
    """What the work gives, which may be done twice: an expression of some hundred operators is deeper than usual."""
    try:
        return work()
    except RecursionError:
        return _deeply(work)


def _deeply(work: Callable[[], _T]) -> _T:
    """On a large stack, for Python, which counts its calls besides."""
    with _counting:
        usual = sys.getrecursionlimit()
        sys.setrecursionlimit(_CALLS)
        try:
            return on_large_stack(work)
        finally:
            sys.setrecursionlimit(usual)
