"""VACUUM beside the batches, once enough dead rows of ours have piled up, so that the table's file does not double.

It never cuts the file short, which would take the strongest lock, and leaves a table alone that somebody else vacuums
or builds an index on. That it failed is worth a line, never the end of the backfill.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.errors import CrossfadeError

if TYPE_CHECKING:
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]

_FEWEST = 50_000
_SHARE = 0.2
_PAUSE_SECONDS, _PAUSE_TIMES = 1.0, 2.0
"""Between two of one relation: a second, or twice as long as the last one took."""


def are_many(dead: int, estimated: int) -> bool:
    """Whether so many dead rows are worth a VACUUM, in a relation of so many rows."""
    return dead > max(_SHARE * estimated, _FEWEST)


class Cleaner:
    """Vacuums the relations that this process makes dead rows in, one at a time, on a connection of its own."""

    def __init__(self, connect: Callable[[], Connection], tell: Callable[[QualifiedName, str], None]) -> None:
        """`tell` hears, in the thread that vacuums, what came of it."""
        self._connect = connect
        self._tell = tell
        self._dead: Counter[QualifiedName] = Counter()
        self._not_before: dict[QualifiedName, float] = {}
        """By relation, on the monotonic clock: one that did not help is not begun again at once."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        self._over = False

    def wrote(self, relation: QualifiedName, rows: int, estimated: int) -> None:
        """Count rows that were written, in a relation of so many; begin a VACUUM once they are many."""
        with self._lock:
            self._dead[relation] += rows
            is_wanted = are_many(self._dead[relation], estimated)
        if is_wanted:
            self.clean(relation)

    def clean(self, relation: QualifiedName) -> None:
        """Begin a VACUUM of a relation, unless one is at work here."""
        with self._lock:
            is_busy = self._thread is not None and self._thread.is_alive()
            if self._over or is_busy or time.monotonic() < self._not_before.get(relation, 0.0):
                return
            self._dead[relation] = 0
            self._thread = threading.Thread(target=self._clean, args=[relation], name="crossfade-vacuum", daemon=True)
            self._thread.start()

    def _clean(self, relation: QualifiedName) -> None:
        said: list[str] = []
        begun = time.monotonic()
        try:
            with self._connect() as connection:
                connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
                connection.execute("SELECT pg_catalog.set_config('statement_timeout', '0', false)")
                with self._lock:
                    if self._over:
                        return
                    self._connection = connection
                connection.execute(_statement(relation))
        except (psycopg.Error, CrossfadeError) as error:
            said.append(str(error).strip().splitlines()[0])
        finally:
            with self._lock:
                self._connection = None
                now = time.monotonic()
                self._not_before[relation] = now + max(_PAUSE_SECONDS, _PAUSE_TIMES * (now - begun))
        if not (said and self._over):
            self._tell(relation, f"not vacuumed: {said[0]}" if said else "vacuumed")

    def close(self) -> None:
        """Cut a VACUUM short that is still at work; what it has cleared away stays so."""
        with self._lock:
            self._over = True
            connection = self._connection
            thread = self._thread
        while thread is not None and thread.is_alive():
            if connection is not None and not connection.closed:
                with suppress(psycopg.Error):
                    connection.cancel_safe(timeout=5)
            thread.join(0.2)


def _statement(relation: QualifiedName) -> sql.Composed:
    return sql.SQL("VACUUM (SKIP_LOCKED, TRUNCATE OFF, INDEX_CLEANUP AUTO) {}").format(
        sql.Identifier(relation.schema, relation.name)
    )
