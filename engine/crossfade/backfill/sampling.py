"""Trying a backfill on one relation: a look at it, and up to three batches that are rolled back.

Nothing stays but dead row versions, and what no rollback takes back (numbers of sequences, the outside world). Every
statement gives up a lock after 200 ms and its work after 2 s: nobody waits for a rehearsal.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.backfill.look import look
from crossfade.backfill.quarantine import described, is_refusal, key_as_json, wanted_keys
from crossfade.backfill.query_plans import plan_warnings
from crossfade.backfill.rehearsal import Example, Measured, Refused, Sample
from crossfade.backfill.task import fetch, fetch_number, send_write, users_search_path
from crossfade.operations.step import Copy, DataChange, Update

if TYPE_CHECKING:
    from crossfade.backfill.keys import Key, Relation
    from crossfade.backfill.look import Looked, Stretch, Trial, TrialRanges
    from crossfade.backfill.ranges import Bound

Connection = psycopg.Connection[Any]
_EXAMPLES = 5
_MOST_REFUSED = 5
"""How many refused rows are looked for in one sample."""
_SAVEPOINTS = 50
_LONGEST = 0.5
"""Seconds that refused rows are looked for in one sample."""
_WITH_OWN_WAL = 180000
"""The first server that tells how much WAL a session has written."""


def try_out(connection: Connection, trial: Trial) -> Measured:
    """Measure one relation, on a session of the backfill's. What cannot be done is skipped, with the reason.

    Raises psycopg's error where the connection is lost.
    """
    nothing = Measured(change=trial.change.id, relation=str(trial.relation.name), writes=trial.writes)
    if trial.begun is not None and trial.begun.finished:
        return replace(nothing, pending=0)
    try:
        with _rolled_back(connection):
            looked = look(connection, trial)
    except psycopg.Error as error:
        return replace(nothing, skipped=_reason(error))
    samples: list[Sample] = []
    examples: list[Example] = []
    for stretch in looked.stretches:
        sample, seen = _try_batch(connection, trial, looked.ranges, stretch, _EXAMPLES - len(examples))
        samples.append(sample)
        # Two batches of a short table may overlap.
        examples += [e for e in seen if e.key not in {known.key for known in examples}]
    warnings = (*looked.measured.warnings, *_warnings(connection, trial, looked))
    return replace(looked.measured, samples=tuple(samples), examples=tuple(examples), warnings=warnings)


def tells_own_wal(connection: Connection) -> bool:
    """Whether the server counts the WAL of each session, so that what others write is told apart."""
    return connection.info.server_version >= _WITH_OWN_WAL


@contextmanager
def _rolled_back(connection: Connection) -> Iterator[None]:
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL lock_timeout = '200ms'")
        connection.execute("SET LOCAL statement_timeout = '2s'")
        yield


def _reason(error: psycopg.Error) -> str:
    """Why something could not be tried. Raises the error itself where the connection is lost."""
    match error:
        case psycopg.errors.LockNotAvailable():
            return "a lock was not to be had within 200 ms"
        case psycopg.errors.QueryCanceled():
            return "it took longer than 2 s"
    if error.sqlstate is None:
        raise error
    return f"{error.diag.message_primary or str(error).strip()} ({error.sqlstate})"


def _warnings(connection: Connection, trial: Trial, looked: Looked) -> Iterator[str]:
    """What the planner makes of the two statements of a batch, in the middle where there is one."""
    found = {s.place: s for s in looked.stretches}
    stretch = found.get("middle") or found.get("beginning")
    if stretch is None:
        return
    ranges, pages = looked.ranges, looked.measured.pages
    queries = {"the batch": ranges.write_range(stretch.lo, stretch.hi)}
    if not ranges.key.is_place:
        queries["the search for the end of a batch"] = ranges.bound(stretch.lo, stretch.hi, trial.batch_rows)
    for what, query in queries.items():
        try:
            with _rolled_back(connection), users_search_path(connection):
                plan = fetch(connection, ranges.explained(query))[0][0]
        except psycopg.Error as error:
            yield f"{what} could not be explained: {_reason(error)}"
        else:
            yield from plan_warnings(what, plan, trial.relation.name, ranges.key, pages)


# One batch


def _try_batch(
    connection: Connection, trial: Trial, ranges: TrialRanges, stretch: Stretch, most: int
) -> tuple[Sample, list[Example]]:
    before = _own_wal(connection)
    try:
        with _rolled_back(connection):
            rows = fetch_number(connection, ranges.count(stretch.lo, stretch.hi))
            images = _images(connection, trial, ranges, stretch, most)
            # What a constraint or a trigger would say only at COMMIT is said at once.
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            sample = _written(connection, trial.relation, ranges, stretch, rows)
            examples = [_example(connection, trial, ranges, key, image) for key, image in images]
    except psycopg.Error as error:
        return Sample(place=stretch.place, skipped=_reason(error)), []
    after = _own_wal(connection)
    if before is not None and after is not None:
        sample = replace(sample, wal_bytes=after - before)
    return sample, examples


def _written(connection: Connection, relation: Relation, ranges: TrialRanges, stretch: Stretch, rows: int) -> Sample:
    position, counts = _wal_position(connection), _versions(connection, relation)
    begun = time.monotonic()
    refused: tuple[Refused, ...] = ()
    try:
        with connection.transaction(), users_search_path(connection):
            written, _ = send_write(connection, ranges.write_range(stretch.lo, stretch.hi))
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        written, refused = _around(connection, ranges, stretch)
    seconds = time.monotonic() - begun
    updated, hot = (now - then for now, then in zip(_versions(connection, relation), counts, strict=True))
    return Sample(
        place=stretch.place,
        rows=rows,
        written=written,
        seconds=seconds,
        wal_bytes=_wal_position(connection) - position,
        updated=updated,
        hot=hot,
        refused=refused,
    )


def _around(connection: Connection, ranges: TrialRanges, stretch: Stretch) -> tuple[int, tuple[Refused, ...]]:
    """Halve what fails until single rows are left; how many were written, and the first that are refused."""
    with users_search_path(connection):
        keys = wanted_keys(connection, ranges, stretch.lo, stretch.hi)
    until, written, savepoints = time.monotonic() + _LONGEST, 0, 0
    refused: list[Refused] = []
    left = [(0, len(keys))] if keys else []
    while left and savepoints < _SAVEPOINTS and len(refused) < _MOST_REFUSED and time.monotonic() < until:
        first, end = left.pop()
        savepoints += 1
        try:
            with connection.transaction(), users_search_path(connection):
                query = ranges.write_range(keys[first - 1] if first else stretch.lo, keys[end - 1])
                written += send_write(connection, query)[0]
        except psycopg.Error as error:
            if not is_refusal(error):
                raise
            if end - first <= 1:
                refused.append(_refused(ranges.key, keys[first], error))
            else:
                middle = (first + end) // 2
                left += [(middle, end), (first, middle)]
    return written, tuple(refused)


def _refused(key: Key, bound: Bound, error: psycopg.Error) -> Refused:
    return Refused(
        key=described(key_as_json(key, bound)),
        sqlstate=error.sqlstate or "",
        message=error.diag.message_primary or str(error).strip(),
    )


# What rows look like


def _images(
    connection: Connection, trial: Trial, ranges: TrialRanges, stretch: Stretch, most: int
) -> list[tuple[Bound, dict[str, Any]]]:
    """The first rows that are meant, before they are written; none where an expression raises for one of them."""
    if most <= 0 or not isinstance(trial.change, DataChange):
        return []
    try:
        with connection.transaction(), users_search_path(connection):
            found = fetch(connection, ranges.pending_keys(stretch.lo, stretch.hi, limit=most))
            return [(tuple(row[0]), _image(connection, trial, ranges, tuple(row[0]))) for row in found]
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        return []


def _example(connection: Connection, trial: Trial, ranges: TrialRanges, key: Bound, image: dict[str, Any]) -> Example:
    """A row of which `image` was there before it was written."""
    shown = described(key_as_json(ranges.key, key))
    if isinstance(trial.change.write, Copy):
        return Example(key=shown, before={}, after=image)
    # Without a key, an updated row has another place now.
    can_be_found = isinstance(trial.change.write, Update) and not ranges.key.is_place
    after = _image(connection, trial, ranges, key) if can_be_found else None
    return Example(key=shown, before=image, after=after)


def _image(connection: Connection, trial: Trial, ranges: TrialRanges, key: Bound) -> dict[str, Any]:
    """A row: the columns that are set, the whole of one that is deleted, what one is copied as."""
    change = trial.change
    query = ranges.copied(key) if isinstance(change.write, Copy) else ranges.image(key)
    with users_search_path(connection):
        rows = fetch(connection, query)
    image: dict[str, Any] = rows[0][0] if rows else {}
    if isinstance(change.write, Update) and isinstance(change, DataChange):
        return {column: image.get(column) for column in change.touched}
    return image


# What the server counts


def _wal_position(connection: Connection) -> int:
    """Bytes of WAL that the server has written in its life, by whomever."""
    row = connection.execute(
        "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')"
    ).fetchone()
    return int(row[0]) if row else 0


def _own_wal(connection: Connection) -> int | None:
    """Bytes of WAL that this session has written, outside a transaction; None where the server does not tell."""
    if not tells_own_wal(connection):
        return None
    connection.execute("SELECT pg_catalog.pg_stat_force_next_flush()")
    row = connection.execute(
        "SELECT wal_bytes FROM pg_catalog.pg_stat_get_backend_wal(pg_catalog.pg_backend_pid())"
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _versions(connection: Connection, relation: Relation) -> tuple[int, int]:
    """Row versions that this session has written in place of others, and how many of them were HOT."""
    row = connection.execute(
        "SELECT pg_catalog.pg_stat_get_xact_tuples_updated(%(oid)s),"
        " pg_catalog.pg_stat_get_xact_tuples_hot_updated(%(oid)s)",
        {"oid": relation.oid},
    ).fetchone()
    return (0, 0) if row is None else (int(row[0] or 0), int(row[1] or 0))
