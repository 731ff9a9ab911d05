"""A mistake in any field of any kind of change is answered with the field, its place and what to do instead.

The mistakes are made in the ready plans, in every field that they use: a wrong type, nothing behind the colon, a letter
too many in the key. What only a database can tell is tried with each operation.
"""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from crossfade.errors import InvalidPlan
from crossfade.plan.changes import Change
from crossfade.plan.entries import kinds_of
from crossfade.plan.load import parse_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANS = sorted((Path(__file__).parents[2] / "plans").glob("*.yaml"))
_yaml = YAML(typ="rt")


def _changes(path: Path) -> Iterator[tuple[int, str, str]]:
    """Every field of every change in a plan: the change's place, its kind and the field."""
    document = _yaml.load(path.read_text(encoding="utf-8"))
    for position, change in enumerate(document["changes"]):
        ((kind, fields),) = change.items()
        for field in fields:
            yield position, kind, field


FIELDS = [(path, *found) for path in PLANS for found in _changes(path)]
EVERY_FIELD = pytest.mark.parametrize(
    ("path", "position", "kind", "field"), FIELDS, ids=[f"{p.stem}-{n}-{f}" for p, n, _, f in FIELDS]
)


def _with(path: Path, position: int, kind: str, change: Any) -> str:
    document = copy.deepcopy(_yaml.load(path.read_text(encoding="utf-8")))
    change(document["changes"][position][kind])
    written = io.StringIO()
    _yaml.dump(document, written)
    return written.getvalue()


def _problems(text: str, field: str) -> list[str]:
    """What is said of the line that has the field."""
    with pytest.raises(InvalidPlan) as raised:
        parse_plan(text, "plan.yaml")
    lines = text.splitlines()
    assert all(p.hint for p in raised.value.problems), str(raised.value)
    return [
        f"{p.message} ({p.hint})"
        for p in raised.value.problems
        if field in lines[p.line - 1] or field in f"{p.message} {p.hint}"
    ]


@EVERY_FIELD
def test_a_value_of_another_type_is_told_where_it_stands(path: Path, position: int, kind: str, field: str) -> None:
    def spoil(fields: dict[str, Any]) -> None:
        fields[field] = 3.5

    assert _problems(_with(path, position, kind, spoil), field)


@EVERY_FIELD
def test_a_key_without_a_value_is_told(path: Path, position: int, kind: str, field: str) -> None:
    def empty(fields: dict[str, Any]) -> None:
        fields[field] = None

    assert _problems(_with(path, position, kind, empty), field)


@EVERY_FIELD
def test_a_misspelt_key_is_told_with_the_one_that_was_meant(path: Path, position: int, kind: str, field: str) -> None:
    def misspell(fields: dict[str, Any]) -> None:
        fields[f"{field}x"] = fields.pop(field)

    told = _problems(_with(path, position, kind, misspell), f"{field}x")
    assert any(field in one.replace(f"{field}x", "") for one in told), told


REQUIRED = [
    (path, position, kind, field)
    for path, position, kind, field in FIELDS
    if field in {f.alias or name for name, f in kinds_of(Change)[kind].model_fields.items() if f.is_required()}
]


@pytest.mark.parametrize(
    ("path", "position", "kind", "field"), REQUIRED, ids=[f"{p.stem}-{n}-{f}" for p, n, _, f in REQUIRED]
)
def test_a_missing_key_is_told(path: Path, position: int, kind: str, field: str) -> None:
    def remove(fields: dict[str, Any]) -> None:
        del fields[field]

    assert any(field in told for told in _problems(_with(path, position, kind, remove), field))


def _places(node: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place inside a part of a plan."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield (*place, key)
        yield from _places(value, (*place, key))


@pytest.mark.parametrize("path", PLANS, ids=lambda p: p.stem)
def test_whatever_stands_where_it_does_not_belong_is_answered(path: Path) -> None:
    """A list in place of any field or what is in it, a mapping in place of what is in it."""
    text = json.dumps(_yaml.load(path.read_text(encoding="utf-8")), default=str)
    for place in _places(json.loads(text)["changes"]):
        for depth, odd in ((3, []), (4, {"surplus": -1})):
            if len(place) >= depth:
                _read_or_answered(text, place, odd)


def _read_or_answered(text: str, place: tuple[str | int, ...], odd: Any) -> None:
    spoilt = json.loads(text)
    inner = spoilt["changes"]
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    try:
        parse_plan(json.dumps(spoilt), "plan.yaml")
    except InvalidPlan as error:
        assert all(p.hint for p in error.problems), str(error)  # noqa: PT017  # a plan that is read is fine, too
