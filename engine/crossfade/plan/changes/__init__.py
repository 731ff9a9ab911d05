"""The kinds of change that a plan can list: a file for each, named for the kind; `every` has them all.

They are loaded when the first of them is used, since that takes a while; `model_of` loads one alone.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.plan.changes.every import *  # noqa: F403  # the same names, for who checks types
    from crossfade.plan.entries import Entry
else:

    def __getattr__(name: str) -> object:
        every = import_module("crossfade.plan.changes.every")
        if name not in every.__all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(every, name)


@cache
def model_of(kind: str) -> type[Entry]:
    """The model of a kind, out of its file; no other one is loaded."""
    known = vars(import_module(f"crossfade.plan.changes.{kind}")).values()
    return next(each for each in known if isinstance(each, type) and getattr(each, "kind", None) == kind)
