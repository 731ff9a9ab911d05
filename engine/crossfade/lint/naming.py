"""How a project names things: the table `[lint.naming]` of its settings, a pattern for each kind of thing.

A pattern is a regular expression for the whole name. `{table}`, `{columns}` and `{referenced}` in it stand for what the
thing is about, where its kind has that. Read at every start of the command line, so nothing heavy is imported. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfade.errors import UsageError

KINDS: Mapping[str, frozenset[str]] = {
    "migration": frozenset(),
    "table": frozenset(),
    "view": frozenset(),
    "type": frozenset(),
    "column": frozenset({"table"}),
    "index": frozenset({"table", "columns"}),
    "primary_key": frozenset({"table", "columns"}),
    "unique": frozenset({"table", "columns"}),
    "foreign_key": frozenset({"table", "columns", "referenced"}),
    "check": frozenset({"table"}),
    "exclude": frozenset({"table", "columns"}),
}
"""What can have a pattern, each with the words that may stand in it."""
_WORD = re.compile(r"\{([A-Za-z_]\w*)\}")
_LONGEST = 63
"""Bytes of a name that the server keeps; one as long may be cut off, and is not held against a pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The patterns of a project."""

    patterns: Mapping[str, str] = field(default_factory=dict)
    """By kind."""

    def wanted(self, kind: str, words: Mapping[str, str | None]) -> str | None:
        """The pattern for a thing, with the words put in; None for a kind that has none. A word that is None fits."""

        def put(found: re.Match[str]) -> str:
            word = words.get(found[1])
            return ".+" if word is None else re.escape(word)

        pattern = self.patterns.get(kind)
        return None if pattern is None else _WORD.sub(put, pattern)


ANY_NAME = Naming()
"""No pattern for anything."""


def fits(name: str, wanted: str) -> bool:
    """Whether the whole name is as wanted."""
    return len(name.encode()) >= _LONGEST or re.fullmatch(wanted, name) is not None


def naming_of(value: object, file: str) -> Naming:
    """The patterns of the table. Raises UsageError, with the file and the setting."""
    from crossfade.plan.words import nearest, one_of, shown

    if not isinstance(value, Mapping):
        hint = 'write [lint.naming] with index = "{table}_{columns}_idx" below'
        raise UsageError(f"{file}: the setting `lint.naming` is a table of patterns", hint=hint, location=file)
    for kind, pattern in value.items():
        if kind not in KINDS:
            hint = nearest(kind, KINDS) or f"there are patterns for {one_of(KINDS)}"
            raise UsageError(f"{file}: unknown setting {shown(f'lint.naming.{kind}')}", hint=hint, location=file)
        if not isinstance(pattern, str) or not pattern:
            hint = 'put it in quotes: "[a-z][a-z0-9_]*"'
            raise UsageError(f"{file}: the setting `lint.naming.{kind}` is a text", hint=hint, location=file)
        _check(kind, pattern, file)
    return Naming(patterns=dict(value))


def _check(kind: str, pattern: str, file: str) -> None:
    from crossfade.plan.words import one_of, shown

    where = f"{file}: the setting `lint.naming.{kind}`"
    for word in _WORD.findall(pattern):
        if word not in KINDS[kind]:
            known = sorted(f"{{{each}}}" for each in KINDS[kind])
            hint = f"it may have {one_of(known)}" if known else "it has no such words; write the name's own pattern"
            raise UsageError(f"{where} has {shown(f'{{{word}}}')}, which stands for nothing", hint=hint, location=file)
    try:
        re.compile(_WORD.sub("x", pattern))
    except (re.error, RecursionError, OverflowError) as error:
        hint = "it is a regular expression for the whole name, as in Python; `\\` before a sign takes it as it is"
        raise UsageError(f"{where} is no pattern: {error}", hint=hint, location=file) from None
