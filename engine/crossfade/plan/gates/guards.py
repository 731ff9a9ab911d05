"""Gates that guard what a change could break: what hangs on the old shape, who replicates it, and the data itself."""

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints

from crossfade.plan.faults import fault
from crossfade.plan.gates.entry import AskedEntry, Phase, Span, Timeout
from crossfade.plan.sizes import Size, SizeBetween
from crossfade.plan.words import shown

_MEGABYTE = Size(1024**2)
_SHARE = r"^(full|[1-9][0-9]?%)$"
_Role = Annotated[str, StringConstraints(min_length=1, max_length=100)]


def _share(text: str) -> str:
    if re.fullmatch(_SHARE, text) is None:
        raise fault(f"expected `full` or a percentage; got {shown(text)}", "write `full`, or one of `1%` to `99%`")
    return text


class Dependents(AskedEntry):
    """Nothing stands in the way of the drop, nothing is lost with it, and nobody names the old shape in a text."""

    kind: ClassVar[str] = "dependents"

    suspects: Literal["ask", "show"] = Field(
        default="ask",
        description="Functions whose text names the table and the column, which PostgreSQL does not track: `ask` holds "
        "the phase back until a person has looked at them, `show` only names them.",
    )
    acknowledged_by: _Role = Field(
        default="dependents",
        description="The `--role` of the approval that says that the suspects were looked at.",
        examples=["schema-owner"],
    )


class Replication(AskedEntry):
    """Whoever replicates the tables is not far behind, and a person has taken note of logical replication."""

    kind: ClassVar[str] = "replication"

    max_lag: Span = Field(
        default=timedelta(seconds=30), description="A standby that replays what is older than this blocks."
    )
    max_lag_bytes: Annotated[Size, SizeBetween(low=_MEGABYTE, high=Size(1024**4))] = Field(
        default=Size(64 * _MEGABYTE),
        description="More WAL than this that a standby has not replayed, or a logical slot has not confirmed, blocks.",
    )
    acknowledged_by: _Role = Field(
        default="replication",
        description="The `--role` of the approval that takes note of publications, subscriptions and logical slots.",
        examples=["data-platform"],
    )


class Parity(AskedEntry):
    """Both shapes hold the same facts now."""

    kind: ClassVar[str] = "parity"
    phases: ClassVar[tuple[Phase, ...]] = ("contract",)
    unfit: ClassVar[str] = "the new shape is not filled before backfilled"

    share: Annotated[str, AfterValidator(_share), Field(json_schema_extra={"pattern": _SHARE})] = Field(
        default="full",
        description="How much of each table is read: `full`, or a sample such as `5%`.",
        examples=["full", "5%"],
    )
    timeout: Timeout = Field(default=timedelta(minutes=5), description="How long it may take.")

    @property
    def fraction(self) -> float:
        """The share as a part of 1."""
        return 1.0 if self.share == "full" else int(self.share.rstrip("%")) / 100
