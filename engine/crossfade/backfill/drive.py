"""Migrating the rows of one change: relation after relation, batch after batch, until none is pending.

`fill` can be called as often as one likes; it goes on where the ledger says the last committed batch ended. Relations
are listed again at the end, since partitions may have come meanwhile. Refused rows do not stop the others; while one
is open, `fill` ends with RowsFailed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.backfill.batch import Progress, next_batch
from crossfade.backfill.keys import Relation, relations_of
from crossfade.backfill.rejected import MOST, open_count, raise_if_open, retry_open
from crossfade.backfill.retry import Attempt, Link, Passing, passing
from crossfade.backfill.task import Fill, Task, finish_task, open_task, prove_lease
from crossfade.backfill.vacuum import DeadRows, vacuum
from crossfade.errors import LockNotAcquired, StepFailed
from crossfade.observe.events import BackfillTrouble, BatchDone, Emit

if TYPE_CHECKING:
    from crossfade.operations.step import RowChange
    from crossfade.plan.model import Backfill

Connection = psycopg.Connection[Any]


def fill(
    *,
    connect: Callable[[], Connection],
    run_id: int,
    run_name: str,
    token: int,
    change: RowChange,
    settings: Backfill,
    should_stop: Callable[[], str | None],
    emit: Emit,
) -> None:
    """Migrate every pending row of a change, in batches that commit together with their entry in the ledger.

    Raises WorkLeft when asked to stop or paused, LostLease once another runner has the run, RowsFailed with the keys of
    refused rows after all others are done, LockNotAcquired where rows stayed locked, StepFailed for any other refusal.
    """
    work = Fill(
        run_id=run_id,
        run_name=run_name,
        token=token,
        change=change,
        batch_rows=settings.batch_rows,
        target=settings.target / timedelta(seconds=1),
        should_stop=should_stop,
        emit=emit,
    )
    with Link(connect, go_on=work.go_on, tell=partial(_tell, work)) as link:
        for relation in _relations(link, work):
            _fill_relation(link, connect, work, relation)
        link.run(lambda connection, _attempt: raise_if_open(connection, work))


def _tell(fill: Fill, message: str, _error: BaseException) -> None:
    fill.emit(
        BackfillTrouble(run=fill.run_name, change=fill.change.id, relation=str(fill.table), message=message)
    )
