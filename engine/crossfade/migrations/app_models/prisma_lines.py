"""Lines of a schema.prisma, with comments at their ends. Pure."""

from __future__ import annotations

import json
import re

from crossfade.migrations.prisma_schema import MAP

_MAP = re.compile(rf"\s*{MAP.pattern}")
_COMMENT = re.compile(r'^(?P<code>(?:"(?:[^"\\]|\\.)*"|/\*.*?\*/|(?!//|/\*)[^"])*?)(?P<rest>\s*(?://.*)?)$')


def with_attribute(line: str, attribute: str | None) -> str:
    """The line with an attribute more, in front of its comment."""
    code, rest = parted(line)
    return f"{code.rstrip()} {attribute}{rest}\n" if attribute is not None else f"{code}{rest}\n"


def without(line: str, attribute: re.Pattern[str]) -> str:
    """The line without the first of these attributes, whatever its comment says."""
    code, rest = parted(line)
    return f"{attribute.sub('', code, count=1)}{rest}\n"


def mapped(line: str, name: str | None) -> str:
    """The line with this name in the database; None for its own."""
    return with_attribute(without(line, _MAP), None if name is None else map_to(name))


def map_to(name: str) -> str:
    """The attribute that says a name in the database."""
    return f"@map({quoted(name)})"


def quoted(text: str) -> str:
    """A text as the schema writes it."""
    return json.dumps(text, ensure_ascii=False)


def parted(line: str) -> tuple[str, str]:
    """What a line says, and the comment behind it with the space before it."""
    bare = line.rstrip("\n")
    found = _COMMENT.match(bare)
    return (found["code"], found["rest"]) if found is not None else (bare, "")
