"""Lines of a schema.prisma, with comments at their ends. Pure."""

from __future__ import annotations

import re

_MAP = re.compile(r'\s*(?<!@)@map\(\s*(?:name:\s*)?"(?:[^"\\]|\\.)*"\s*\)')
_COMMENT = re.compile(r'^(?P<code>(?:"(?:[^"\\]|\\.)*"|(?!//)[^"])*?)(?P<rest>\s*(?://.*)?)$')


def with_attribute(line: str, attribute: str | None) -> str:
    """The line with an attribute more, in front of its comment."""
    bare = line.rstrip("\r\n")
    found = _COMMENT.match(bare)
    if attribute is None or found is None:
        return f"{bare}\n"
    return f"{found['code'].rstrip()} {attribute}{found['rest']}\n"


def mapped(line: str, name: str | None) -> str:
    """The line with this name in the database; None for its own."""
    return with_attribute(_MAP.sub("", line.rstrip("\r\n")), None if name is None else f'@map("{name}")')


def closing(lines: list[str], begin: int) -> int:
    """The line with which a block ends."""
    return next((n for n in range(begin, len(lines)) if lines[n].strip() == "}"), begin)
