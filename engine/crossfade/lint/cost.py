"""Who waits for a statement and for how long, in words.

Rows per second are about half of those that `python -m tests.benchmarks --only lint_rates` measures on two cores, for a
table of a million short rows with seven indexes that is in memory: elsewhere disks and other sessions take their part,
and a wait that is foretold too short is the one that does harm. See docs/reference/lint.md for the run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Lock, LockMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Table
    from crossfade.postgres.forecast import Forecast, Schema

READ = 7_000_000
"""Rows per second that are read and checked; measured: 16.6 million."""
WRITTEN = 100_000
"""Rows per second that are written anew, with their indexes; measured: 190,000."""
INDEXED = 800_000
"""Rows per second that go into an index of a number; measured: 1.65 million."""

_LISTED = 4
_PART = re.compile(r'([^".]+)|"((?:[^"]|"")*)"')
"""A schema or a name in a text such as `public."Order"`."""


def who_waits(mode: LockMode, relation: str) -> str:
    """`reads and writes of public.users wait`."""
    return f"{mode.blocks} of {relation} wait"


def how_long(seconds_per_row: float, table: Table | None) -> str:
    """As long as the rows take: a number where their number is known."""
    if table is None or table.rows_estimate < 0:
        return f"about {_words(seconds_per_row * 1_000_000)} for each million rows"
    return f"about {_words(seconds_per_row * table.rows_estimate)} for its {table.rows_estimate:,} rows"


def _words(seconds: float) -> str:
    if seconds < 1:
        return f"{max(round(seconds * 1000), 1)} ms"
    if seconds < 120:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min"


def strong_locks(seen: SeenStatement) -> tuple[Lock, ...]:
    """Its locks that writes wait for, or reads: nobody writes a materialized view but who refreshes it."""
    return tuple(lock for lock in seen.forecast.locks if lock.mode >= _least_felt(seen, lock))


def _least_felt(seen: SeenStatement, lock: Lock) -> LockMode:
    table = table_named(seen.before, lock.relation)
    is_only_read = table is not None and table.kind == "materialized view"
    return LockMode.ACCESS_EXCLUSIVE if is_only_read else LockMode.SHARE


def blocked_by(forecast: Forecast) -> str:
    """Who waits for what a statement does: `writes of public.orders and public.users wait`."""
    return waiting(lock for lock in forecast.locks if lock.mode >= LockMode.SHARE)


def waiting(locks: Iterable[Lock]) -> str:
    """Who waits for these locks, those who wait alike in one breath."""
    groups: dict[str, list[str]] = {}
    for lock in locks:
        groups.setdefault(lock.mode.blocks, []).append(lock.relation)
    return " and ".join(f"{who} of {listed(relations)} wait" for who, relations in groups.items())


def listed(words: Sequence[str]) -> str:
    """`a, b and c`; of many only the first ones."""
    if len(words) > _LISTED:
        return f"{', '.join(words[: _LISTED - 1])} and {len(words) - _LISTED + 1} more"
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def table_named(schema: Schema, relation: str) -> Table | None:
    """The table that a forecast names."""
    name = QualifiedName(*((plain or quoted.replace('""', '"')) for plain, quoted in _PART.findall(relation)))
    if schema.origins.get(name) == name:
        return schema.tables.get(name)
    renamed = next((now for now, was in schema.origins.items() if was == name), None)
    return schema.tables.get(renamed) if renamed is not None else None
