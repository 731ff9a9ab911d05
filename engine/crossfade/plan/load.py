"""Plan files into plans: every fault of a file at once, each with its line and column.

    load_plan(path)           reads a file
    parse_plan(text, file)    the same for a text; `file` is what positions name
    read_value(text)          one value as it would stand in a plan
    problems_in(document)     the faults of keys and values that were read without a file

The first two raise `InvalidPlan` with all problems in the order of the text. A path that cannot be read is a
`UsageError`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping as JsonMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from crossfade.errors import InvalidPlan, PlanProblem, UsageError
from crossfade.plan.document import Mapping, Node, Place, Reader, Scalar, Sequence, Stop, place_of
from crossfade.plan.model import Plan
from crossfade.plan.problems import problems_of

if TYPE_CHECKING:
    from os import PathLike

_LARGEST = 1_000_000
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_START = "`crossfade new rename_column` prints a plan to start from"


def load_plan(path: str | PathLike[str]) -> Plan:
    """The plan in a file."""
    file = str(path)
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        raise UsageError(f"there is no plan file {file}", hint=_START, location=file) from None
    except IsADirectoryError:
        raise UsageError(f"{file} is a directory", hint="name a plan file in it", location=file) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {file}: {reason}", hint="check its rights and its name", location=file) from None
    return _parse(content, file)


def parse_plan(text: str, file: str) -> Plan:
    """The plan that a text holds; `file` names it in problems."""
    return _parse(text.encode("utf-8", "surrogatepass"), file)


def read_value(text: str) -> object:
    """A number, a truth value, nothing, or a tuple of such, as a plan would read it; whatever else it is, the text."""
    reader = Reader("")
    try:
        root = reader.read(text)
    except Stop:
        return text
    if reader.problems or isinstance(root, Mapping):
        return text
    return None if root is None else _data(root)


def problems_in(document: JsonMapping[str, Any], error: ValidationError) -> tuple[PlanProblem, ...]:
    """The faults of what was validated, in a plan's words; where they stand in a file means nothing."""
    root = Reader("").read(json.dumps(document, default=str))
    assert root is not None
    return tuple(problems_of(error, root, ""))


def _parse(content: bytes, file: str) -> Plan:
    reader = Reader(file)
    try:
        text = _decoded(content, reader)
        root = reader.read(text)
        if root is None or (isinstance(root, Scalar) and root.raw == "" and root.value is None):
            raise reader.stop(Place(1, 1), "the file is empty", _START)
        if not isinstance(root, Mapping):
            raise reader.stop(root.at, "a plan is a mapping: `key: value` lines", _START)
    except Stop as stop:
        raise _invalid([*reader.problems, stop.problem]) from None
    try:
        plan = Plan.model_validate(_data(root))
    except ValidationError as error:
        raise _invalid([*reader.problems, *problems_of(error, root, file)]) from None
    if reader.problems:
        raise _invalid(reader.problems)
    return plan


def _decoded(content: bytes, reader: Reader) -> str:
    start = Place(1, 1)
    if len(content) > _LARGEST:
        raise reader.stop(start, "the file is larger than 1 MB", "a plan has a few lines: is this the right file?")
    if content.startswith(b"\xef\xbb\xbf"):
        raise reader.stop(start, "the file begins with a byte order mark", "save it as UTF-8 without BOM")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        at = place_of(content[: error.start].decode("utf-8", "replace"))
        raise reader.stop(at, f"byte 0x{content[error.start]:02x} is not UTF-8", "save the file as UTF-8") from None
    odd = _UNPRINTABLE.search(text)
    if odd is not None:
        at = place_of(text[: odd.start()])
        raise reader.stop(at, f"the control character U+{ord(odd[0]):04X}", "remove it: a plan is plain text")
    return text


def _invalid(problems: list[PlanProblem]) -> InvalidPlan:
    unique = dict.fromkeys(problems)
    return InvalidPlan(tuple(sorted(unique, key=lambda p: (p.line, p.column))))


def _data(node: Node) -> object:
    if isinstance(node, Mapping):
        return {name: _data(value) for name, (_, value) in node.entries.items()}
    if isinstance(node, Sequence):
        return tuple(_data(item) for item in node.items)
    return node.value
