"""The sensor of the WAL archive: how many bytes of finished segments have not been archived yet.

A segment's place is counted without its timeline, so a promotion changes nothing. Where nothing has been archived
since the statistics began, the segment that failed last is the first that waits; where none has failed either, nothing
is known to wait.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row

from crossfade.backfill.sensors import words
from crossfade.backfill.sensors.queries import query

if TYPE_CHECKING:
    import psycopg

_SEGMENT = re.compile(r"[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})(?:\..*)?")
"""Timeline, log, segment; a `.partial` and a `.backup` bear the name of theirs, a `.history` has none."""
_BYTES_OF_LOG = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Where the archiver and the WAL stand."""

    last_archived: str | None
    """A file name."""
    last_failed: str | None
    fails: bool
    """Whether the last attempt failed."""
    written: int
    """Bytes of WAL since the server was made."""
    segment: int
    """Bytes of a segment."""


def observe(connection: psycopg.Connection[Any]) -> Observation | None:
    """The archiver's state; None where the server archives nothing."""
    with connection.cursor(row_factory=class_row(Observation)) as cursor:
        return cursor.execute(query("archive")).fetchone()


def judge(observation: Observation, max_bytes: int, factor: float = 1.0) -> str | None:
    """Why to wait for the archiver. One segment may wait, however large segments are."""
    waiting = _waiting(observation)
    backlog = waiting * observation.segment
    if waiting <= 1 or backlog <= max_bytes * factor:
        return None
    limit = words.more_than(words.size(max_bytes * factor), factor)
    failing = "; the last attempt to archive failed" if observation.fails else ""
    return f"{words.size(backlog)} of WAL ({waiting} files) wait to be archived, {limit}{failing}"


def _waiting(observation: Observation) -> int:
    """How many finished segments wait."""
    finished = observation.written // observation.segment
    archived, failed = _number(observation.last_archived, observation), _number(observation.last_failed, observation)
    if archived is not None:
        return max(finished - archived - 1, 0)
    return max(finished - failed, 0) if failed is not None else 0


def _number(file: str | None, observation: Observation) -> int | None:
    found = _SEGMENT.fullmatch(file or "")
    if found is None:
        return None
    return int(found[1], 16) * (_BYTES_OF_LOG // observation.segment) + int(found[2], 16)
