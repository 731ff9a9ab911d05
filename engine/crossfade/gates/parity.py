"""The gate `parity`: both shapes hold the same facts, compared now.

Contract compares them by itself before it hides anything; this gate tells beforehand, with the keys. That both agree
says something about later only while the triggers that keep them so are in place. A look that is not recorded, as
`crossfade status` has, reads for a second and no longer.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crossfade.gates import pair_control
from crossfade.gates.comparison import Compared, Comparison, OutOfTime
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.durations import format_duration
from crossfade.postgres.names import QualifiedName, quoted

if TYPE_CHECKING:
    import psycopg

    from crossfade.gates.subject import Look, Subject
    from crossfade.operations.step import RowChange
    from crossfade.plan.gates import Parity

_GLANCE = timedelta(seconds=1)
_MOST_NAMED = 5
_MOST_LISTED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was compared, and how far."""

    run: str
    compared: tuple[Compared, ...] = ()
    faults: tuple[str, ...] = ()
    """What is wrong with the triggers."""
    limit: timedelta
    """How long it could take."""
    out_of_time: bool = False
    glance: bool = False
    """Less time was given than the plan says, since nothing is recorded."""


def observe(connection: psycopg.Connection[Any], subject: Subject, entry: Parity, look: Look) -> Observation:
    """Compare every pair of the plan. Raises psycopg.Error."""
    glance = not look.record and entry.timeout > _GLANCE
    limit = _GLANCE if glance else entry.timeout
    comparison = Comparison(
        connection=connection,
        run_id=subject.run_id,
        share=entry.fraction,
        deadline=time.monotonic() + limit / timedelta(seconds=1),
    )
    compared = []
    out_of_time = False
    for change in subject.rows:
        compared.append(_nothing_yet(change))
        try:
            comparison.compare(change, compared[-1])
        except OutOfTime:
            out_of_time = True
            break
    # After the comparison: a trigger that is missing now may have been so all the time.
    carried = pair_control.look_up(connection, subject.rows)
    faults = [c.fault for change in subject.rows for c in carried[change.id] if c.fault]
    faults += [f"no trigger watches {_table(c)}" for c in subject.rows if not carried[c.id]]
    return Observation(
        run=subject.name,
        compared=tuple(compared),
        faults=tuple(faults),
        limit=limit,
        out_of_time=out_of_time,
        glance=glance,
    )


def _nothing_yet(change: RowChange) -> Compared:
    return Compared(table=_table(change), old=change.old_names, new=change.new_names)


def _table(change: RowChange) -> str:
    return str(QualifiedName(change.schema, change.table))


def judge(observation: Observation, entry: Parity) -> Judgement:
    """BLOCKED by a row that differs; PASS once all were read and none does."""
    o = observation
    evidence = {"share": entry.share, "compared": [_as_json(c) for c in o.compared[:_MOST_LISTED]]}
    evidence["faults"] = list(o.faults[:_MOST_LISTED])
    differing = [_difference(c) for c in o.compared if c.differing]
    if differing:
        verdict, reason = Verdict.BLOCKED, "; ".join(differing)
    elif not o.compared:
        verdict, reason = Verdict.UNKNOWN, "this plan has no pair of columns that could be compared"
    elif o.faults:
        faults = "; ".join(o.faults[:_MOST_NAMED])
        verdict, reason = Verdict.UNKNOWN, f"{faults}: what agrees now does not have to a moment later"
    elif o.out_of_time:
        verdict, reason = _late(o, entry)
    elif not all(c.relations for c in o.compared):
        gone = ", ".join(c.table for c in o.compared if not c.relations)
        verdict, reason = Verdict.UNKNOWN, f"{gone} is no table with rows"
    else:
        pairs = ", ".join(_pair(c) for c in o.compared)
        read = "every row" if entry.share == "full" else f"a sample of {entry.share} of the rows"
        verdict, reason = Verdict.PASS, f"{pairs} agree in {read}"
    return Judgement(verdict=verdict, reason=reason, evidence=evidence)


def _late(observation: Observation, entry: Parity) -> tuple[Verdict, str]:
    o = observation
    read, all_blocks = sum(c.blocks_read for c in o.compared), sum(c.blocks for c in o.compared)
    so_far = f"nothing differs in the {read} of {all_blocks} blocks that were read within {format_duration(o.limit)}"
    if o.glance:
        return Verdict.UNKNOWN, f"{so_far}; read them all with: crossfade gate {o.run} --phase contract"
    instead = "a longer `timeout`" if entry.share != "full" else "a longer `timeout`, or a `share` such as 5%"
    return Verdict.ERROR, f"{so_far}, and that is all the time it has; a plan can give it {instead}"


def _difference(compared: Compared) -> str:
    rows = "1 row differs" if compared.differing == 1 else f"{compared.differing} rows differ"
    return f"{rows} between {_pair(compared)}: {'; '.join(compared.keys)}"


def _pair(compared: Compared) -> str:
    return f"{quoted(compared.old)} and {quoted(compared.new)} of {compared.table}"


def _as_json(compared: Compared) -> dict[str, Any]:
    return {
        "table": compared.table,
        "old": compared.old,
        "new": compared.new,
        "differing": compared.differing,
        "keys": list(compared.keys),
        "blocks": compared.blocks,
        "blocks_read": compared.blocks_read,
        "relations": compared.relations,
    }


def in_words(entry: Parity) -> str:
    """For `explain`."""
    return (
        f"both shapes hold the same facts in {'every row' if entry.share == 'full' else f'{entry.share} of the rows'}"
    )
