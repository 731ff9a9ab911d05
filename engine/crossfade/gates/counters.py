"""Counters that only ever grow, kept from look to look: since when has each of them been at rest?

A counter is a small JSON document. It has moved when a later look finds another one; when in between that was, nobody
knows, so it counts as moved at the later look. Kept in crossfade.counters, and only by looks that are recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg.types.json import Jsonb

from crossfade.gates.queries import query

if TYPE_CHECKING:
    import psycopg

Seen: TypeAlias = Mapping[str, Any]
"""What one look finds, as JSON has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A counter as a look has found it."""

    seen: Seen
    moved_at: datetime | None = None
    """The look that found it moved last; None as long as none did."""


def compare(kept: Mapping[str, Counter], seen: Mapping[str, Seen], at: datetime) -> dict[str, Counter]:
    """The counters of a look, by what they count; one that an earlier look did not find has moved, unless it is the
    first look of all."""
    is_first = not kept
    return {
        name: Counter(seen=counter, moved_at=_moved_at(kept.get(name), counter, None if is_first else at))
        for name, counter in seen.items()
    }


def _moved_at(before: Counter | None, counter: Seen, at: datetime | None) -> datetime | None:
    return before.moved_at if before is not None and before.seen == counter else at


def read_counters(connection: psycopg.Connection[Any], run_id: int, gate: str) -> dict[str, Counter]:
    """What the last recorded look has left, by what it counts."""
    rows = connection.execute(
        "SELECT counter, seen, moved_at FROM crossfade.counters WHERE run_id = %s AND gate = %s", [run_id, gate]
    )
    return {name: Counter(seen=seen, moved_at=moved_at) for name, seen, moved_at in rows}


def keep_counters(
    connection: psycopg.Connection[Any],
    run_id: int,
    gate: str,
    *,
    kept: Mapping[str, Counter],
    found: Mapping[str, Counter],
) -> None:
    """Leave what a look has found to the next one; only what differs from `kept` is written."""
    # In one order, so that two looks at a time wait for each other and do not deadlock.
    changed = [(name, found[name]) for name in sorted(found) if kept.get(name) != found[name]]
    gone = sorted(set(kept) - set(found))
    if gone:
        connection.execute(
            "DELETE FROM crossfade.counters WHERE run_id = %s AND gate = %s AND counter = ANY (%s)",
            [run_id, gate, gone],
        )
    if changed:
        parameters = {
            "run_id": run_id,
            "gate": gate,
            "counters": [name for name, _ in changed],
            "seen": [Jsonb(dict(counter.seen)) for _, counter in changed],
            "moved_at": [counter.moved_at for _, counter in changed],
        }
        connection.execute(query("keep_counters"), parameters)
