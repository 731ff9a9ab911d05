"""VACUUM between batches, once enough dead rows of ours have piled up, so that the table's file does not double.

It never cuts the file short, which would take the strongest lock, and leaves a table alone that somebody else vacuums
or builds an index on. That it failed is worth a line, never the end of the backfill.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.errors import CrossfadeError

if TYPE_CHECKING:
    from crossfade.postgres.names import QualifiedName

Connection = psycopg.Connection[Any]

_FEWEST = 50_000
_SHARE = 0.2
_LOOK_SECONDS = 0.2


@dataclass(slots=True)
class DeadRows:
    """How many rows of one relation this runner has written since it was last vacuumed."""

    count: int = 0

    def are_many(self, estimated: int) -> bool:
        """Whether vacuuming is worth it, for a relation of so many rows."""
        return self.count > max(_SHARE * estimated, _FEWEST)


def vacuum(connect: Callable[[], Connection], relation: QualifiedName, should_stop: Callable[[], str | None]) -> str:
    """Vacuum a relation on a connection of its own, and say in words what came of it; cut short when asked to stop."""
    said: list[str] = []
    try:
        with connect() as connection, ThreadPoolExecutor(max_workers=1) as thread:
            connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
            connection.execute("SELECT pg_catalog.set_config('statement_timeout', '0', false)")
            vacuuming = thread.submit(connection.execute, _statement(relation))
            while not wait([vacuuming], timeout=_LOOK_SECONDS).done:
                if should_stop() is not None:
                    connection.cancel_safe()
            vacuuming.result()
    except (psycopg.Error, CrossfadeError) as error:
        return f"not vacuumed: {str(error).strip().splitlines()[0]}"
    return f"not vacuumed: {said[0]}" if said else "vacuumed"


def _statement(relation: QualifiedName) -> sql.Composed:
    return sql.SQL("VACUUM (SKIP_LOCKED, TRUNCATE OFF, INDEX_CLEANUP AUTO) {}").format(
        sql.Identifier(relation.schema, relation.name)
    )
