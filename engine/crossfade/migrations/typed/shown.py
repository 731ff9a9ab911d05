"""A change that statements come to, as plans in YAML; and the words about one that is not certain. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Any

from crossfade.plan.written import entries_written

if TYPE_CHECKING:
    from crossfade.migrations.typed.entry import Entry
    from crossfade.migrations.typed.groups.group import Reading
    from crossfade.migrations.typed.together import Typed

_LONGEST = 55
"""Characters of a plan's name, with room for a number behind it."""
_WIDTH = 110
"""Columns of a comment."""
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_NAMING = ("table", "name", "domain", "from", "column", "partition", "to")
"""Keys whose values tell one change from another of its kind, in this order."""


def one_plan(found: Iterable[Typed]) -> tuple[Entry, ...]:
    """The entries of several changes for one plan: what SQL does in contract alone comes last.

    No change of a plan goes on with a table that SQL before it has altered, and in contract it runs behind every
    expand anyway. Those that take several plans are left out.
    """
    entries = [entry for typed in found if not typed.in_turn for entry in typed.entries]
    return tuple(sorted(entries, key=is_sql_of_contract))


def is_sql_of_contract(entry: Entry) -> bool:
    """Whether an entry is SQL that runs in contract alone, and so comes last in a plan."""
    return "sql" in entry and "expand" not in entry["sql"]


def plan_name(entries: tuple[Entry, ...]) -> str:
    """A name for a plan, after its first change: `add-column-users-country`."""
    (kind, fields), *_ = (pair for entry in entries for pair in entry.items())
    return as_plan_name("-".join([kind, *_told(fields)]))


def as_plan_name(text: str) -> str:
    """A text in the letters that a plan's name has; empty where it has none of them."""
    return _NOT_IN_A_NAME.sub("-", text.lower())[:_LONGEST].strip("-")


def _told(fields: Mapping[str, Any]) -> Iterator[str]:
    if not fields.keys() & {"table", "name"}:
        yield str(fields.get("type", ""))
    yield from (fields[key] for key in _NAMING if isinstance(fields.get(key), str))


def doubt_of(found: Typed) -> str:
    """What is not certain, as a comment above the entries; empty where all is."""
    if found.is_certain:
        return ""
    likely, *others = found.readings
    lines = _wrapped(f"The migration leaves open what is meant. Here: {likely.meaning}.")
    lines += ["Nothing runs before a person has said so: write `intent: confirmed` if it is meant so."]
    for other in others:
        lines += ["", *_wrapped(f"Or: {other.meaning}. Then it is this instead{_in_turn(other)}:"), ""]
        lines += "\n\n".join(map(_indented, other.turns)).splitlines()
    return "\n".join(lines)


def _indented(entries: tuple[Entry, ...]) -> str:
    return indent(entries_written(entries).rstrip(), "  ")


def _wrapped(text: str) -> list[str]:
    return wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _in_turn(reading: Reading) -> str:
    return ", in plans of their own, one after the other" if reading.in_turn else ""
