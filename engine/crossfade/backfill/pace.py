"""How many rows the next batch takes, so that a batch takes about as long as the plan's `target`; pure.

The rate is smoothed over the last batches by two decayed sums, of rows and of seconds. A batch aims at 0.7 of the
target, since the slowest of many is well above their mean. The size moves by at most half (at first, by twice) from
batch to batch, and falls to an eighth after one that took more than four times the target, forgetting the rate. The
sums are kept in the ledger, so a new runner goes on at the pace of the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.plan.model import Aim

AIM = 0.7
DECAY = 0.75
OVERRUN = 4.0
"""Times the target; a batch that took longer was far too big."""
SETTLED = 0.8
"""Times the target, in the smoothed seconds; below it there are only a few small batches to judge by."""
CUT = 4
"""What the size is divided by after a statement ran into its time-out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The size of the next batch and what it was judged by."""

    batch_rows: int
    smoothed_rows: float = 0.0
    smoothed_seconds: float = 0.0

    def has_settled(self, target: float) -> bool:
        """Whether enough was done to judge by."""
        return self.smoothed_seconds >= SETTLED * target

    def cut(self, asked: int) -> Pace:
        """The pace after a batch of so many rows could not be done in time."""
        return Pace(batch_rows=max(1, min(self.batch_rows, asked) // CUT))


def patience(target: float) -> float:
    """Seconds that a statement may take: the guard of the first batch that is far too big."""
    return max(2.0, OVERRUN * target)


def after_batch(pace: Pace, aim: Aim, *, asked: int, rows: int, seconds: float) -> Pace:
    """The pace after a batch that asked for so many rows, found `rows` and took `seconds`."""
    # A batch that had to be cut below the smallest size may stay there; it grows again step by step.
    smallest = min(aim.smallest, asked)
    if seconds > OVERRUN * aim.target:
        return Pace(batch_rows=max(smallest, asked // 8))
    if rows == 0 or seconds <= 0:
        return pace
    smoothed_rows = DECAY * pace.smoothed_rows + rows
    smoothed_seconds = DECAY * pace.smoothed_seconds + seconds
    growth = 1.5 if smoothed_seconds >= SETTLED * aim.target else 2.0
    wanted = smoothed_rows / smoothed_seconds * AIM * aim.target
    within = min(max(wanted, 0.5 * asked), growth * asked)
    return Pace(
        batch_rows=min(max(round(within), smallest), aim.largest),
        smoothed_rows=smoothed_rows,
        smoothed_seconds=smoothed_seconds,
    )
