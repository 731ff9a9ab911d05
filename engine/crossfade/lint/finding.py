"""What lint says about a place in a file. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.migrations.script import Position


class Severity(IntEnum):
    """How bad it is: an error blocks others for as long as rows are read or written, or cannot work, or loses data."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """As it is written: `error`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; `instead` and `plan` say what to do, as SQL and as a plan of crossfade's."""

    rule: str
    severity: Severity
    file: Path
    position: Position
    end: Position | None = None
    """Behind the statement; None where it is about the file."""
    message: str
    """What it does, to whom, for how long."""
    instead: str | None = None
    """SQL, or a sentence where there is none."""
    plan: str | None = None
    """YAML that does the same without it."""
    about: str | None = None
    """What it is known by, where it is about no text that is there."""
