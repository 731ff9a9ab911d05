"""A plan as YAML text, from its entries: what other tools' migrations come to, for a person to read and change.

Keys stand in the order of the models, and what is short stands on one line, as in the plans that `crossfade new`
prints. What is written reads back as the same entries. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import StringIO
from typing import Any

_SHORT = 72
"""Characters of a mapping or list that stands on one line."""
_FIRST = ("table", "domain", "name")
_LAST = ("note", "intent")
"""Keys that every change has; they stand behind its own."""
_MEANINGFUL = ("", *"'?<=-:~&*!%@`|>{}[],#")
"""What a text in quotes begins with; the empty text too."""
_ENDLESS = 1_000_000
"""Columns of a line: a text is not folded."""


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
        lines += (f"  {line}" if line else "" for line in _lines(entry))
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
    return [line[2:] for line in _dumped([{kind: ordered}])]


@cache
def _order(kind: str) -> Mapping[str, int]:
    """Where each key of a kind of change stands."""
    from crossfade.plan.changes import Change
    from crossfade.plan.entries import kinds_of

    fields = kinds_of(Change)[kind].model_fields
    keys = [field.alias or name for name, field in fields.items()]
    own = [key for key in keys if key not in _FIRST + _LAST]
    return {key: place for place, key in enumerate([*_FIRST, *own, *_LAST])}


def _dumped(value: Any) -> list[str]:
    stream = StringIO()
    _writer().dump(_styled(value, top=3), stream)
    return stream.getvalue().rstrip("\n").split("\n")


def _writer() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = _ENDLESS
    yaml.allow_unicode = True
    return yaml


def _styled(value: Any, top: int = 0) -> Any:
    """The value with a style for each part; the outermost `top` levels are never on one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, Mapping):
        made: Any = CommentedMap((_text(key), _styled(inner, top - 1)) for key, inner in value.items())
    elif isinstance(value, list | tuple):
        made = CommentedSeq(_styled(inner, top - 1) for inner in value)
    else:
        return _text(value) if isinstance(value, str) else value
    if top <= 0 and _length(value) <= _SHORT:
        made.fa.set_flow_style()
    else:
        made.fa.set_block_style()
    return made


def _length(value: Any) -> int:
    """About how long a value is on one line; a text of several lines cannot be on one."""
    if isinstance(value, Mapping):
        return sum(len(str(key)) + 4 + _length(inner) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return sum(2 + _length(inner) for inner in value)
    return _ENDLESS if "\n" in str(value) else len(str(value))


def _text(text: Any) -> Any:
    """A text with quotes of the kind that it does not have, or as a block where it has several lines."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

    if "\n" in text and _is_block(text):
        return LiteralScalarString(text)
    if "\n" in text or text[:1] in _MEANINGFUL or ": " in text or " #" in text or not text.isprintable():
        return DoubleQuotedScalarString(text)
    return text


def _is_block(text: str) -> bool:
    """Whether the lines can stand as they are."""
    lines = text.replace("\t", " ").split("\n")
    return text.strip() == text and all(line.isprintable() and line == line.rstrip() for line in lines)
