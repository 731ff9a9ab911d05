"""What a source says about one app: the instances that it sees, and what it cannot say.

A source that fails in part tells both: what it has seen may block, and what it has not read keeps the gate from
passing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

_LONGEST = 300
"""Characters of a failure that are kept: it may quote what came back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One instance, or something that can start one."""

    version: str
    instance: str
    host: str | None = None
    role_name: str | None = None
    """The role that it logs in with, where the source tells."""
    age: timedelta = timedelta(0)
    """How long ago, on the source's own clock."""
    proves: bool = True
    """Whether it shows that an instance serves at this version; what only may come to do so can block, no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Everything that a source says."""

    seen: tuple[Seen, ...] = ()
    failures: tuple[str, ...] = ()
    """Why it cannot be read, or not in full; none only where the answer is whole."""


class Unreadable(Exception):
    """A source, or a part of it, cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(" ".join(reason.split())[:_LONGEST])


def failed(reason: str) -> Answer:
    """The answer of a source that cannot be read at all."""
    return Answer(failures=(str(Unreadable(reason)),))


def of_type(value: Any, kind: type[Any], what: str) -> Any:
    """The value, if it is of that type. Raises Unreadable."""
    if not isinstance(value, kind):
        raise Unreadable(f"{what} is not what it should be")
    return value
