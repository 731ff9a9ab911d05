"""What a listener of the demo hears: the engine's events, the story's own words, and how each app fares.

A listener is a function of one happening. It is called from several threads: the story's, and one for each app.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crossfade.observe.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A part of the story begins."""

    title: str
    """What happens now, in a few words."""
    text: str
    """Why, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something came of it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCounters:
    """How one app process has fared since its start."""

    version: str
    instance: str
    column: str
    live: bool
    statements: int
    failed: int
    longest_ms: float


Happening = Event | Chapter | Remark | AppCounters
Listener = Callable[[Happening], None]
