"""What an export makes of the migrations that its plan covers.

The row of a migration says that its own tool need not run it any more. Files for that tool take the migration's place:
each gets a row of its own, and that of the migration is not written. Files for another tool, or for psql, write it as a
run does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.errors import PlanChanged, UsageError
from crossfade.plan.migrations import CoveredMigration
from crossfade.workflow.exports.layouts import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.plan.model import Plan
    from crossfade.workflow.engine import Engine
    from crossfade.workflow.program import Program

_DRIZZLE = frozenset({"drizzle", "drizzle-1"})
_OWN = {
    Layout.SQL: frozenset({"golang-migrate"}),
    Layout.PRISMA: frozenset({"prisma"}),
    Layout.DRIZZLE: _DRIZZLE,
    Layout.DRIZZLE_0: _DRIZZLE,
}
"""Which tools apply the files of a layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredProgram:
    """What is exported, and what it means for migrations."""

    program: Program
    has_begun: bool
    replaced: tuple[str, ...]
    """Migrations whose place the files take."""
    recorded: tuple[tuple[str, str], ...]
    """Migrations whose rows they write: the tool, and the name."""


def covered_program(engine: Engine, found: Plan | str, layout: Layout, acks: Iterable[str]) -> CoveredProgram:
    """The program of a plan or a run without the rows of migrations that the files replace.

    Raises UsageError where a run has these rows in its program already, and what `Engine.program` raises.
    """
    covered = _of_run(engine, found) if isinstance(found, str) else found.migrations or ()
    own = tuple(one for one in covered if one.tool in _OWN[layout])
    rest = tuple(one for one in covered if one not in own)
    if own and isinstance(found, str):
        raise _writes_it_itself(found, own)
    asked = found if isinstance(found, str) or not own else found.model_copy(update={"migrations": rest or None})
    try:
        program, has_begun = engine.program(asked, acks)
    except PlanChanged:
        if isinstance(asked, str) or asked is found:
            raise
        raise _writes_it_itself(asked.name, own) from None
    return CoveredProgram(
        program=program,
        has_begun=has_begun,
        replaced=tuple(one.name for one in own),
        recorded=tuple((one.tool, one.name) for one in rest),
    )


def _of_run(engine: Engine, name: str) -> tuple[CoveredMigration, ...]:
    """The migrations that the plan of a run covers; what else the audit leaves out of a plan is of no matter."""
    written = engine.audit(name).plan.get("migrations") or ()
    return tuple(CoveredMigration.model_validate(one) for one in written)


def _writes_it_itself(run: str, own: Iterable[CoveredMigration]) -> UsageError:
    names = ", ".join(one.name for one in own)
    return UsageError(
        f"the run {run} has begun, and writes the row of {names} itself, whose place the files would take",
        hint="Let the run go on, or roll it back and export its plan.",
    )
