"""A value in a JSON document, by names and positions with dots between: `checks.0.ready`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def value_at(document: Any, path: str) -> Any:
    """The value at the path. Raises LookupError where there is none."""
    for step in path.split("."):
        if isinstance(document, Mapping):
            document = document[step]
        elif isinstance(document, Sequence) and not isinstance(document, str) and step.isascii() and step.isdigit():
            document = document[int(step)]
        else:
            raise LookupError(step)
    return document
