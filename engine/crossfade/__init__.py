"""crossfade: zero-downtime expand/contract schema changes for PostgreSQL.

The public names are loaded when they are first used, so that the command line starts at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from crossfade.errors import CrossfadeError
    from crossfade.plan.load import load_plan
    from crossfade.workflow.engine import Engine

__all__ = ["CrossfadeError", "Engine", "__version__", "load_plan"]

_HOMES = {
    "CrossfadeError": "crossfade.errors",
    "Engine": "crossfade.workflow.engine",
    "load_plan": "crossfade.plan.load",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
