"""The project's setting `fixed`: schemas and tables that nothing of this project may change. Pure.

An entry is `schema.*` or `schema.name`, with SQL's double quotes where a part needs them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from crossfade.errors import UsageError

_ALL = ".*"
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedEntry:
    """One entry."""

    text: str
    """As the settings have it."""
    schema: str
    name: str | None
    """None for everything in the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """All entries."""

    entries: tuple[FixedEntry, ...] = ()

    def entry_for(self, schema: str, name: str | None) -> FixedEntry | None:
        """The entry that fixes what has this name; with None for one, the schema itself."""
        for entry in self.entries:
            if entry.schema == schema and (name is None or entry.name in {None, name}):
                return entry
        return None


NOTHING_FIXED = Fixed()


def fixed_of(value: object, file: str) -> Fixed:
    """What the settings of a file say. Raises UsageError."""
    from pydantic_core import PydanticCustomError

    from crossfade.plan.names import TableName
    from crossfade.plan.words import shown

    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise UsageError(
            f"{file}: the setting `fixed` is a list of texts", hint='write fixed = ["legacy.*"]', location=file
        )
    entries = []
    for text in value:
        unquoted = _QUOTED.sub("", text)
        if "*" in unquoted.removesuffix(_ALL):
            raise UsageError(
                f"{file}: in `fixed` a `*` stands for everything in one schema, behind its name; got {shown(text)}",
                hint="write `legacy.*` for each such schema, or the tables one by one",
                location=file,
            )
        try:
            name = TableName.parse(text)
        except PydanticCustomError as error:
            raise UsageError(f"{file}: `fixed`: {error.message()}", location=file) from None
        if name.schema is None:
            raise UsageError(
                f"{file}: `fixed` names things with their schema; got {shown(text)}",
                hint=f"write `public.{text}`, or `{text}.*` for a whole schema",
                location=file,
            )
        is_all = unquoted.endswith(_ALL)
        entries.append(FixedEntry(text=text, schema=name.schema, name=None if is_all else name.name))
    return Fixed(entries=tuple(entries))
