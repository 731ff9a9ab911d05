"""In which order the databases of a fleet are worked on, and when no other one is begun. Pure.

Canaries come first. The others follow once every canary is done and has stayed so for the time to bake. A database
that failed lets no other be begun, unless some failures are tolerated; what waits for a gate, was left with work to do,
is driven by another runner or cannot be reached is no failure, except in a canary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from crossfade.errors import UsageError
from crossfade.fleet.report import Outcome
from crossfade.plan.words import nearest, shown

if TYPE_CHECKING:
    from crossfade.fleet.databases import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How carefully to go."""

    concurrency: int = 4
    """So many databases are in hand at a time."""
    canaries: tuple[str, ...] = ()
    bake: timedelta = timedelta()
    """How long the canaries have to stay done."""
    tolerated: int | None = 0
    """How many may fail before no other is begun; None for any number."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin with these."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until one in hand has ended."""


@dataclass(frozen=True, slots=True)
class Bake:
    """See whether the canaries stay as they are."""


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing is in hand, and no other is begun: for this reason, or since there is none."""

    reason: str | None


Decision: TypeAlias = Begin | Wait | Bake | Over


def decide(
    rollout: Rollout,
    *,
    waiting: Sequence[str],
    in_hand: Iterable[str],
    ended: Mapping[str, Outcome],
    has_baked: bool,
    stop: str | None,
) -> Decision:
    """What to do next: with those not begun, in their order; those in hand; and how those ended that have."""
    busy = tuple(in_hand)
    reason = stop or _reason_to_stop(rollout, ended)
    if reason is not None and waiting:
        return Wait() if busy else Over(reason)
    room = max(0, rollout.concurrency - len(busy))
    canaries = tuple(name for name in waiting if name in rollout.canaries)
    if canaries:
        return Begin(canaries[:room]) if room else Wait()
    if waiting and any(name in rollout.canaries for name in busy):
        return Wait()
    if waiting and rollout.canaries and not has_baked:
        return Bake()
    if waiting and room:
        return Begin(tuple(waiting[:room]))
    return Wait() if busy else Over(None)


def _reason_to_stop(rollout: Rollout, ended: Mapping[str, Outcome]) -> str | None:
    for name in rollout.canaries:
        outcome = ended.get(name, Outcome.DONE)
        if outcome is not Outcome.DONE:
            return f"canary {name} is not done: {outcome.value}"
    failed = [name for name, outcome in ended.items() if outcome is Outcome.FAILED]
    if rollout.tolerated is None or len(failed) <= rollout.tolerated:
        return None
    tolerated = f", and {rollout.tolerated} may" if rollout.tolerated else ""
    return f"{', '.join(failed)} failed{tolerated}"


def canaries_of(databases: Sequence[Database], given: Sequence[str]) -> tuple[str, ...]:
    """The canaries by `--canary`, a number of the first ones or names; if there is none, those that the list marks.

    Raises UsageError for a name that is not in the list.
    """
    names = [d.name for d in databases]
    if not given:
        return tuple(d.name for d in databases if d.is_canary)
    chosen: dict[str, None] = {}
    for word in given:
        if word in names:
            chosen[word] = None
        elif word.isascii() and word.isdigit() and int(word) > 0:
            chosen |= dict.fromkeys(names[: int(word)])
        else:
            hint = nearest(word, names) or "Give a database's name as it is in the list, or a number from 1."
            raise UsageError(f"--canary: there is no database {shown(word)}", hint=hint)
    return tuple(chosen)
