"""Gates that ask a person."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from crossfade.plan.durations import Between
from crossfade.plan.gates.entry import DAY, GateEntry

EXPIRES = 7 * DAY
"""How long an approval counts where the plan does not say."""


class Approval(GateEntry):
    """People have to approve the phase with `crossfade approve`."""

    kind: ClassVar[str] = "approval"

    role: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="Whose approval it is; shown to everyone who waits.", examples=["release-coordinator"]
    )
    count: Annotated[int, Field(ge=1, le=10)] = Field(default=1, description="How many different people it takes.")
    four_eyes: bool = Field(default=True, description="Whether the approval of whoever started the run does not count.")
    expires: Annotated[timedelta, Between(low=timedelta(minutes=1), high=365 * DAY)] = Field(
        default=EXPIRES, description="How long an approval counts, on the database's clock.", examples=["24h"]
    )
