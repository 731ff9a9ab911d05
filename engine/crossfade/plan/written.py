"""A plan as YAML text, from its entries: what other tools' migrations come to, for a person to read and change.

Keys stand in the order of the models, and what is short stands on one line, as in the plans that `crossfade new`
prints. What is written reads back as the same entries. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from math import inf
from typing import Any

_SHORT = 72
"""Characters of a mapping or list that stands on one line."""
_FIRST = ("table", "domain", "name")
_LAST = ("note", "intent")
"""Keys that every change has; they stand behind its own."""
_MEANINGFUL = ("", *"'?<=-:~&*!%@`|>{}[],#")
"""What a text in quotes begins with; the empty text too."""
_OF_COLLECTIONS = frozenset(",[]{}")
"""Characters that a text without quotes cannot have where a mapping or list stands on one line."""
_TEXT = re.compile("(?!(?:true|false|null)$)[a-z_(]", re.IGNORECASE | re.ASCII)
"""What most texts begin with, and no value of another kind: the reader of YAML takes a while to load."""
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def written(
    name: str,
    entries: Sequence[Mapping[str, Any]],
    comments: Sequence[str] = (),
    *,
    head: str = "",
    above: Mapping[str, Any] | None = None,
    below: Mapping[str, Any] | None = None,
) -> str:
    """The plan of this name; `comments` stand above the entries in turn, an empty one being none, `head` above all.

    `above` has keys of the plan that stand before `changes`, `below` those behind, each with its value.
    """
    lines = [*_comment(head, 0), *([""] if head else [])]
    lines += [*_dumped({"crossfade": 1, "name": name, **(above or {})}), "", "changes:"]
    for number, entry in enumerate(entries):
        comment = comments[number] if number < len(comments) else ""
        lines += ["", *_comment(comment, 2)] if comment and number else _comment(comment, 2)
        lines += _indented(_lines(entry))
    for key, value in (below or {}).items():
        lines += ["", *_dumped({key: value})]
    return "\n".join(lines) + "\n"


def entries_written(entries: Sequence[Mapping[str, Any]]) -> str:
    """Entries as they stand below `changes:`, without indentation."""
    return "\n".join(line for entry in entries for line in _lines(entry)) + "\n"


def _comment(text: str, indent: int) -> Iterator[str]:
    for line in text.splitlines():
        shown = "".join(character if character.isprintable() else "?" for character in line)
        yield (" " * indent + f"# {shown}").rstrip()


def _lines(entry: Mapping[str, Any]) -> list[str]:
    ((kind, fields),) = entry.items()
    order = _order(kind)
    ordered = {key: fields[key] for key in sorted(fields, key=lambda key: order.get(key, len(order)))}
    return _dumped([{kind: ordered}])


@cache
def _order(kind: str) -> Mapping[str, int]:
    """Where each key of a kind of change stands."""
    from crossfade.plan.changes import model_of

    fields = model_of(kind).model_fields
    keys = [field.alias or name for name, field in fields.items()]
    own = [key for key in keys if key not in _FIRST + _LAST]
    return {key: place for place, key in enumerate([*_FIRST, *own, *_LAST])}


def _dumped(value: Any, top: int = 3) -> list[str]:
    """The lines of a mapping or list; its outermost `top` levels are never on one line."""
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, inner in value.items():
            beside, below = _parts(inner, top - 1)
            lines += [f"{_scalar(key)}: {beside}".rstrip(), *_indented(below)]
    else:
        for inner in value:
            beside, below = _parts(inner, top - 1)
            first, *rest = [beside, *below] if beside else below
            lines += [f"- {first}", *_indented(rest)]
    return lines


def _parts(value: Any, top: int) -> tuple[str, list[str]]:
    """What of a value stands beside its key or dash, and the lines below."""
    if not isinstance(value, Mapping | list | tuple):
        return ("|-", value.split("\n")) if _is_block(value) else (_scalar(value), [])
    is_short = not value or (top <= 0 and _length(value) <= _SHORT)
    return (on_one_line(value), []) if is_short else ("", _dumped(value, top))


def _indented(lines: Sequence[str]) -> Iterator[str]:
    return (f"  {line}" if line else "" for line in lines)


def on_one_line(value: Any) -> str:
    """A value as it stands beside its key."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{on_one_line(key)}: {on_one_line(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(on_one_line, value)) + "]"
    return _scalar(value, _OF_COLLECTIONS)


def _length(value: Any) -> float:
    """About how long a value is on one line; a text of several lines cannot be on one."""
    if isinstance(value, Mapping):
        return sum(len(str(key)) + 4 + _length(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(2 + _length(inner) for inner in value)
    return inf if "\n" in str(value) else len(str(value))


def _is_block(value: Any) -> bool:
    """Whether it is a text of several lines that can stand as they are."""
    if not isinstance(value, str) or "\n" not in value or value.strip() != value:
        return False
    return all(line.isprintable() and line == line.rstrip() for line in value.replace("\t", " ").split("\n"))


def _scalar(value: Any, reserved: AbstractSet[str] = frozenset()) -> str:
    """On one line; a text in quotes of the kind that it does not have, if it needs some or has a reserved character."""
    if not isinstance(value, str):
        return json.dumps(value)
    if value[:1] in _MEANINGFUL or ": " in value or " #" in value or not value.isprintable():
        return _in_double_quotes(value)
    if _reads_as_text(value) and reserved.isdisjoint(value):
        return value
    return _in_double_quotes(value) if "'" in value else f"'{value}'"


# Keys, types and tables come again and again.
@lru_cache(maxsize=1024)
def _reads_as_text(text: str) -> bool:
    """Whether it reads as itself without quotes; `true`, `12` and `2026-11-27` do not."""
    if text != text.strip() or text.startswith(('"', "...")) or text.endswith(":"):
        return False
    if _TEXT.match(text):
        return True

    from ruamel.yaml.nodes import ScalarNode

    return bool(_resolver().resolve(ScalarNode, text, (True, False)) == _resolver().DEFAULT_SCALAR_TAG)


@cache
def _resolver() -> Any:
    from ruamel.yaml.resolver import VersionedResolver

    return VersionedResolver()


def _in_double_quotes(text: str) -> str:
    return '"' + "".join(c if c.isprintable() and c not in _ESCAPED else _escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    return _ESCAPED.get(character) or f"\\U{ord(character):08X}"
