"""Kubernetes' label selectors (`app=api,tier!=db,track in (a, b),!canary`), read as its API reads them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from crossfade.plan.faults import fault
from crossfade.plan.words import shown

Labels: TypeAlias = Mapping[str, str]
Selects: TypeAlias = Callable[[Labels], bool]

_KEY = r"(?P<key>[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?)"
_VALUE = r"[A-Za-z0-9]?[A-Za-z0-9._-]*"
_EQUAL = re.compile(rf"{_KEY}\s*(?P<operator>==|=|!=)\s*(?P<value>{_VALUE})")
_AMONG = re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*)\)")
_HAS = re.compile(rf"(?P<absent>!?)\s*{_KEY}")
_COMMA = re.compile(r",(?![^(]*\))")
"""One that is not inside of a pair of brackets."""


def parse_selector(text: str) -> Selects:
    """What tells whether labels are selected. Raises the fault of a plan for a text that is no selector."""
    requirements = [_requirement(part.strip()) for part in _COMMA.split(text)]
    return lambda labels: all(holds(labels) for holds in requirements)


def label_selector(text: str) -> str:
    """The text, if it is a selector."""
    parse_selector(text)
    return text


def _requirement(text: str) -> Selects:
    if found := _EQUAL.fullmatch(text):
        return _among(found["key"], frozenset({found["value"]}), wanted=found["operator"] != "!=")
    if found := _AMONG.fullmatch(text):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return _among(found["key"], values, wanted=found["operator"] == "in")
    if found := _HAS.fullmatch(text):
        key, wanted = found["key"], not found["absent"]
        return lambda labels: (key in labels) is wanted
    raise fault(
        f"{shown(text)} is no requirement of a label selector", "write it as for kubectl -l: `app=api,tier!=db`"
    )


def _among(key: str, values: frozenset[str], *, wanted: bool) -> Selects:
    # As in Kubernetes, labels without the key are selected by `!=` and `notin`.
    return lambda labels: (key in labels and labels[key] in values) is wanted
