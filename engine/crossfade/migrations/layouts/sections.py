"""Files of which one part goes up and the other down, told apart by lines of comment. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.migrations.script import Script, Source

if TYPE_CHECKING:
    from crossfade.migrations.folder import File


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a file, from its line of comment on."""

    way: str
    """`up` or `down`."""
    options: str
    """What stands behind the marker on its line."""
    script: Script


def sections(file: File, marker: re.Pattern[str]) -> tuple[Section, ...]:
    """The parts of a file; the marker's groups are `way` and, where it has options, `options`."""
    return tuple(_sections(file, marker))


def _sections(file: File, marker: re.Pattern[str]) -> Iterator[Section]:
    source = Source(file.path, file.text)
    found = list(marker.finditer(file.text))
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else None
        groups = match.groupdict()
        yield Section(
            way=groups["way"].lower(),
            options=(groups.get("options") or "").strip(),
            script=Script(source=source, begin=match.start(), end=end),
        )


def of_way(parts: tuple[Section, ...], way: str) -> Script | None:
    """The first part that goes a way."""
    return next((part.script for part in parts if part.way == way), None)
