"""A program as migrations, in order: what each does on the way up and on the way down. Pure.

One step is one migration, so that no more is locked at once than a run would lock. A statement that cannot run in a
transaction has a migration of its own. Going down takes back the steps that `rollback` and `revert` take back; what
the last phase drops is gone, and its way down says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import DataChange, Part, RowChange, RowCopy
from crossfade.postgres.statement import LockMode, render
from crossfade.workflow.exports.batches import compared, in_batches
from crossfade.workflow.exports.block import block, body, unless_it_exists
from crossfade.workflow.exports.support import SUPPORT_BACK, support

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crossfade.operations.step import Guard, RowWork, Step
    from crossfade.workflow.program import Program

_GOES_ALONG = "nothing: what an earlier migration takes back takes this back with it"
_LONGEST = 60
"""Characters of the words of a file's name."""


class Stage(StrEnum):
    """A folder of migrations that are applied together; what has to be true before is said by the README."""

    EXPAND = "1-expand"
    BACKFILL = "2-backfill"
    CONTRACT = "3-contract"
    DROP = "4-drop"


_STAGES = {Part.EXPAND: Stage.EXPAND, Part.SEAL: Stage.BACKFILL, Part.HIDE: Stage.CONTRACT, Part.DROP: Stage.DROP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration, in the layout of no tool yet."""

    stage: Stage
    words: str
    """For its name: letters, digits and underscores."""
    title: str
    """What it does, in one line."""
    up: tuple[str, ...] = ()
    """Statements without semicolons; none where only the way down has something to do."""
    down: tuple[str, ...] = ()
    why_no_down: str = _GOES_ALONG
    """Said where `down` has nothing."""
    transactional: bool = True
    """Whether the statements commit together; else there is one at most for each way."""
    is_long: bool = False
    """It reads or writes a whole table, so no statement of it has a time limit."""
    blocks_writes: bool = False
    """It takes a lock that writes wait for until its transaction is over."""


def migrations_of(program: Program) -> tuple[Migration, ...]:
    """Everything that the program does, in its order."""
    found: list[Migration] = []
    for part in Part:
        if part is Part.SEAL:
            found += [_batched(row) for row in program.work]
        if part is Part.HIDE:
            found += _comparisons(program)
        for step in program.of(part):
            found += _of_step(step, {text for one in found for text in one.up})
    needs = support(text for one in found for text in (*one.up, *one.down))
    if needs:
        found.insert(
            0,
            Migration(
                stage=Stage.EXPAND,
                words="support",
                title="make what the triggers of this plan call, where crossfade init has not made it",
                up=needs,
                down=SUPPORT_BACK,
            ),
        )
    return tuple(found)


def _batched(row: RowWork) -> Migration:
    batches = in_batches(row)
    return Migration(
        stage=Stage.BACKFILL,
        words=_words(row.id),
        title=f"work on the rows of {row.schema}.{row.table}" + (" in batches" if batches.is_batched else ""),
        up=(batches.statement,),
        down=(_refusal("rows that were changed cannot be told from others"),) if isinstance(row, DataChange) else (),
        why_no_down="nothing: the rows go with what they are in",
        transactional=not batches.is_batched,
        is_long=True,
    )


def _comparisons(program: Program) -> Iterator[Migration]:
    """Once after the rows are filled, and once more right before the old shape is hidden."""
    rows = [row for row in program.work if isinstance(row, RowChange | RowCopy)]
    stages = [Stage.BACKFILL, *([Stage.CONTRACT] if program.of(Part.HIDE) else [])]
    for stage in stages:
        for row in rows:
            yield Migration(
                stage=stage,
                words=_words(f"{row.id}/compare"),
                title=f"fail unless both shapes of {row.schema}.{row.table} hold the same",
                up=(compared(row),),
                why_no_down="nothing: it only reads",
                is_long=True,
            )


def _of_step(step: Step, earlier: Collection[str]) -> Iterator[Migration]:
    """`earlier` are the statements of the migrations before."""
    up = tuple(s.text for s in step.statements)
    down = tuple(s.text for s in (step.undo or (() if step.transactional else step.cleanup)))
    reason = _GOES_ALONG
    if step.part is Part.DROP:
        down = (_refusal("what was dropped is gone"),)
    elif step.irreversible and not down:
        reason = f"nothing can be done: {step.irreversible}"
    if step.transactional:
        guards = tuple(_guard(guard) for guard in step.guards) if step.part is not Part.DROP else ()
        yield _migration(step, "", up, (*guards, *down), reason)
        return
    if step.part is Part.DROP and not up:
        return
    # What an earlier one has made is made again only where a way back took it.
    up = tuple(unless_it_exists(text) if text in earlier else text for text in up)
    # What comes first on the way down stands in the last file that has something to do there.
    back = list(reversed(down))
    for number in range(max(len(up), len(back))):
        mine = f"/{number + 1}" if max(len(up), len(back)) > 1 else ""
        yield _migration(step, mine, up[number : number + 1], tuple(back[number : number + 1]), reason)


def _migration(step: Step, suffix: str, up: Sequence[str], down: Sequence[str], reason: str) -> Migration:
    return Migration(
        stage=_STAGES[step.part],
        words=_words(step.id + suffix),
        title=step.title,
        up=tuple(up),
        down=tuple(down),
        why_no_down=reason,
        transactional=step.transactional,
        is_long=step.scans or step.rewrites or not step.transactional,
        blocks_writes=any(lock.mode >= LockMode.SHARE for lock in step.locks),
    )


def _guard(guard: Guard) -> str:
    """Stops where something would be lost that is nowhere else, as a rollback does."""
    made = body("guard").format(
        relation=sql.Literal(guard.relation),
        query=sql.SQL(guard.query),
        message=sql.Literal(f"this would destroy {guard.what}"),
    )
    return block(render(made))


def _refusal(reason: str) -> str:
    return block(render(body("refusal").format(message=sql.Literal(f"this cannot be taken back: {reason}"))))


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST].strip("_")
