"""Edits of the enums of a schema.ts, whose values stand in a list of strings. Pure."""

from __future__ import annotations

import re

from crossfade.migrations.app_models.drizzle_types import imported
from crossfade.migrations.app_models.edits import (
    AlreadySo,
    ByHand,
    EnumAdded,
    OfValue,
    ValueAdded,
    ValueGone,
    ValueRenamed,
)
from crossfade.migrations.app_models.names import RESERVED

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_STRING = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_LIST = re.compile(rf"\[(?P<items>\s*(?:{_STRING}\s*(?:,\s*{_STRING}\s*)*,?\s*)?)\]")
_ITEM = re.compile(_STRING)
_FIRST = re.compile(r"^(?:export\s+)?const\b", re.MULTILINE)


def edited(text: str, edit: EnumAdded | OfValue) -> str:
    """The file with one edit. Raises ByHand, and AlreadySo."""
    if isinstance(edit, EnumAdded):
        return _added(text, edit)
    begin, end = _values(text, edit.type.name)
    items = [(item.start() + begin, item.end() + begin) for item in _ITEM.finditer(text[begin:end])]
    labels = [text[left + 1 : right - 1] for left, right in items]

    def at(label: str) -> int:
        if label not in labels:
            raise ByHand(f"the enum {edit.type} of the file has no value {label}")
        return labels.index(label)

    match edit:
        case ValueAdded(value=value) if value in labels:
            raise AlreadySo(f"the value {value} of {edit.type}")
        case ValueRenamed(value=value, to=to) if value not in labels and to in labels:
            raise AlreadySo(f"the value {to} of {edit.type}")
        case ValueAdded(value=value, before=str() as before):
            place = items[at(before)][0]
            return f"{text[:place]}{_quoted(value)}, {text[place:]}"
        case ValueAdded(value=value, after=after):
            if not items:
                return f"{text[:begin]}{_quoted(value)}{text[begin:]}"
            place = items[at(after) if after is not None else -1][1]
            return f"{text[:place]}, {_quoted(value)}{text[place:]}"
        case ValueRenamed(value=value, to=to):
            left, right = items[at(value)]
            _used_nowhere(text, value, edit)
            return f"{text[:left]}{_quoted(to)}{text[right:]}"
        case ValueGone(value=value):
            number = at(value)
            _used_nowhere(text, value, edit)
            left, right = items[number]
            if number + 1 < len(items):
                return text[:left] + text[items[number + 1][0] :]
            return text[: items[number - 1][1] if number else left] + text[right:]


def _added(text: str, edit: EnumAdded) -> str:
    name, values = edit.type.name, ", ".join(map(_quoted, edit.values))
    if _head(text, name) is not None:
        raise AlreadySo(f"an enum of the type {edit.type}")
    if edit.type.schema is not None or not _NAME.fullmatch(name) or name in RESERVED or re.search(rf"\b{name}\b", text):
        raise ByHand(f"add an enum of the type {edit.type} with {', '.join(edit.values)}")
    first = _FIRST.search(text)
    place = first.start() if first is not None else len(text)
    return imported(f"{text[:place]}export const {name} = pgEnum('{name}', [{values}]);\n{text[place:]}", "pgEnum")


def _values(text: str, type_: str) -> tuple[int, int]:
    """Where the values of an enum stand."""
    head = _head(text, type_)
    found = _LIST.match(text, head.end()) if head is not None else None
    if found is None:
        raise ByHand(f"there is no pgEnum of the type {type_} with a list of values")
    return found.start("items"), found.end("items")


def _head(text: str, type_: str) -> re.Match[str] | None:
    return re.search(rf"""\b(?:pgEnum|\w+\.enum)\(\s*["']{re.escape(type_)}["']\s*,\s*""", text)


def _used_nowhere(text: str, label: str, edit: OfValue) -> None:
    """Raises ByHand where the file names the value besides, as the default of a column does."""
    if len(re.findall(rf"""(["']){re.escape(label)}\1""", text)) > 1:
        raise ByHand(f"change the value {label} of {edit.type}, which the file names in other places too")


def _quoted(label: str) -> str:
    if {"'", "\\", "\n"} & set(label):
        raise ByHand(f"write the value {label}")
    return f"'{label}'"
