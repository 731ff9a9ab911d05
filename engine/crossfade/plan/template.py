"""The commented plans that `crossfade new` prints: the files of `plans/`, one per kind of change.

In an installed package they lie beside the code; in a source tree at its root.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from crossfade.errors import UsageError
from crossfade.plan.changes import Change
from crossfade.plan.entries import kinds_of
from crossfade.plan.words import nearest, one_of, shown

_SOURCE_TREE = Path(__file__).parents[3] / "plans"


def template(kind: str) -> str:
    """The plan to start from for a kind of change, `rename_column` or `rename-column`."""
    kinds = list(kinds_of(Change))
    wanted = kind.replace("-", "_")
    if wanted not in kinds:
        raise UsageError(
            f"unknown change {shown(kind)}", hint=nearest(kind, kinds) or f"this version knows {one_of(kinds)}"
        )
    name = f"{wanted.replace('_', '-')}.yaml"
    packaged = resources.files("crossfade").joinpath("plans", name)
    return (packaged if packaged.is_file() else _SOURCE_TREE / name).read_text(encoding="utf-8")
