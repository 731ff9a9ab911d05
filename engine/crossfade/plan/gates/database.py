"""Gates that ask the database what it saw, and what it would take."""

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, StringConstraints

from crossfade.plan.gates.entry import AskedEntry, Phase, Span
from crossfade.plan.statements import one_select


class LegacyWrites(AskedEntry):
    """Nothing has written through the old shape."""

    kind: ClassVar[str] = "legacy_writes"
    phases: ClassVar[tuple[Phase, ...]] = ("contract",)


class ViolatingWrites(AskedEntry):
    """Nothing has written what a coming constraint would refuse, and no row violates it."""

    kind: ClassVar[str] = "violating_writes"
    phases: ClassVar[tuple[Phase, ...]] = ("contract",)


class Sql(AskedEntry):
    """A query gives true."""

    kind: ClassVar[str] = "sql"

    query: Annotated[str, StringConstraints(min_length=1, max_length=10_000), AfterValidator(one_select)] = Field(
        description="One SELECT of one row with one boolean; it runs read-only, by the path of crossfade's role.",
        examples=["SELECT count(*) = 0 FROM public.import_queue"],
    )


class LongTransactions(AskedEntry):
    """No transaction is open for long."""

    kind: ClassVar[str] = "long_transactions"

    older_than: Span = Field(
        default=timedelta(minutes=1), description="A transaction that is open for longer blocks, a prepared one too."
    )
