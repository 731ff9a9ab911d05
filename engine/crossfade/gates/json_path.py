"""A JSON document that has one meaning, and a value in it by names and positions with dots between: `checks.0.ready`.

Pure.
"""

from __future__ import annotations

import json
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


def parsed(body: bytes) -> Any:
    """The document. Raises ValueError for what is no JSON, NaN too, and for an object that has a key twice."""
    return json.loads(body.decode(), object_pairs_hook=_with_each_key_once, parse_constant=_refuse_constant)


def _with_each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
