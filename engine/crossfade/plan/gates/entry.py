"""What every kind of gate can say in a plan, and where it can stand."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from crossfade.plan.durations import Between
from crossfade.plan.entries import Entry, Given

Mode = Literal["enforce", "observe"]
Phase = Literal["expand", "backfill", "contract"]
PHASES: tuple[Phase, ...] = ("expand", "backfill", "contract")
DAY = timedelta(days=1)
Timeout = Annotated[timedelta, Between(low=timedelta(milliseconds=100), high=timedelta(minutes=10))]
QUICK = timedelta(seconds=5)
"""How long a gate may take to answer where nothing is said; one that may take longer is asked last."""
Span = Annotated[timedelta, Between(low=timedelta(seconds=1), high=90 * DAY)]


class GateEntry(Entry):
    """What every kind of gate can say."""

    phases: ClassVar[tuple[Phase, ...]] = PHASES
    """The phases that this kind can stand in front of."""
    unfit: ClassVar[str] = "old versions are meant to run then"
    """Why not in front of the others."""

    mode: Mode = Field(
        default="enforce", description="`enforce` holds the phase back; `observe` only shows the verdict."
    )
    hold: Annotated[Annotated[timedelta, Between(low=timedelta(0), high=90 * DAY)] | None, Given()] = Field(
        default=None,
        description="How long it has to pass without a break; left out, the plan's `hold` for `app_version`, "
        "`legacy_writes`, `violating_writes`, `legacy_reads` and `strangers`, and not at all for others.",
        examples=["15m"],
    )


class AskedEntry(GateEntry):
    """A kind whose evidence takes time to look at."""

    timeout: Timeout = Field(default=QUICK, description="How long it may take: in the database, each of its queries.")


class OutsideEntry(AskedEntry):
    """A kind whose evidence is not in the database."""

    timeout: Timeout = Field(default=QUICK, description="How long it may take.")
