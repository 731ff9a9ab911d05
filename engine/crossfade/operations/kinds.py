"""From a kind of change to the operation that compiles it: `operations/KIND.py`, with its `compile_change`.

Only the operations of a plan's own kinds are imported: a command should not wait for the fifty others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.operations.step import Compiled, Place
    from crossfade.plan.changes import Change
    from crossfade.postgres.catalog import Catalog


def compile_change(change: Change, place: Place, catalog: Catalog) -> Compiled:
    """What a change compiles to: pure, from the entry, its place in the plan and the catalog before it."""
    compiled: Compiled = import_module(f"crossfade.operations.{change.kind}").compile_change(change, place, catalog)
    return compiled
