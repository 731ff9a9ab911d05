"""The gates `all`, `any` and `not`, judged by the answers of what they are made of. Pure.

UNKNOWN and ERROR are contagious: through `all` unless something is BLOCKED, through `any` unless something passes, and
always through `not`. A part in mode `observe` is shown and does not count. A part that passes and only has not done so
for its `hold` yet is as good as passing to `not`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crossfade.gates.verdict import Judgement, Verdict, all_of
from crossfade.plan.gates import AllOf, AnyOf, CombinedEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.gates.verdict import GateResult

_UNTOLD = (Verdict.ERROR, Verdict.UNKNOWN)


def judge(parts: Sequence[GateResult], entry: CombinedEntry) -> Judgement:
    """What the entry comes to, by the answers of its parts, in their order."""
    counted = [part for part in parts if part.mode == "enforce"]
    if isinstance(entry, AllOf):
        return _all(counted)
    return _any(counted) if isinstance(entry, AnyOf) else _not(counted[0])


def _all(parts: Sequence[GateResult]) -> Judgement:
    closed = [part for part in parts if part.verdict is not Verdict.PASS]
    if not closed:
        return Judgement(
            verdict=Verdict.PASS,
            reason=_reasons(parts),
            clear_since=max((part.passing_since for part in parts if part.passing_since), default=None),
            remembers=all(part.remembers for part in parts),
        )
    told = [part for part in closed if not part.holding]
    return Judgement(
        verdict=all_of(part.verdict for part in told or closed),
        reason=_reasons(closed),
        until=None if told else max((part.hold_until for part in closed if part.hold_until), default=None),
        is_guard=any(part.is_guard for part in closed),
    )


def _any(parts: Sequence[GateResult]) -> Judgement:
    passing = [part for part in parts if part.verdict is Verdict.PASS]
    if passing:
        return Judgement(verdict=Verdict.PASS, reason=_reasons(passing))
    untold = next((verdict for verdict in _UNTOLD if any(part.verdict is verdict for part in parts)), None)
    holding = [part.hold_until for part in parts if part.holding and part.hold_until]
    return Judgement(
        verdict=untold or Verdict.BLOCKED,
        reason=f"none of them passes: {_reasons(parts)}",
        until=min(holding) if holding and untold is None else None,
        is_guard=all(part.is_guard for part in parts),
    )


def _not(part: GateResult) -> Judgement:
    if part.verdict is Verdict.PASS or part.holding:
        reason = f"{part.kind} holds, and must not: {part.reason}"
        return Judgement(verdict=Verdict.BLOCKED, reason=reason, is_guard=part.is_guard)
    if part.verdict is Verdict.BLOCKED:
        return Judgement(verdict=Verdict.PASS, reason=f"{part.kind} does not hold: {part.reason}")
    return Judgement(verdict=part.verdict, reason=f"{part.kind}: {part.reason}", is_guard=part.is_guard)


def _reasons(parts: Iterable[GateResult]) -> str:
    return "; ".join(f"{part.kind} {part.verdict}: {part.reason}" for part in parts)


def in_words(entry: CombinedEntry, parts: Sequence[str]) -> str:
    """For `explain`, from what its parts say."""
    if isinstance(entry, AllOf):
        return " and ".join(f"({part})" for part in parts)
    return " or ".join(f"({part})" for part in parts) if isinstance(entry, AnyOf) else f"not ({parts[0]})"
