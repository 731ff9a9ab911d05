"""The queries of the workflow, each in a file of its own under `sql/`."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def query(name: str) -> bytes:
    """The text of `sql/NAME.sql`."""
    return resources.files("crossfade.workflow").joinpath("sql", f"{name}.sql").read_bytes()
