"""Which publications send the changes of tables, read for a look at them alone.

The queries are the catalog's own, so that whoever asks later is told what preflight was.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from crossfade.postgres.catalog_objects import Publication

if TYPE_CHECKING:
    import psycopg

_FIRST_WITH_DETAILS = 150000


def publications_of(connection: psycopg.Connection[Any], oids: Iterable[int]) -> tuple[Publication, ...]:
    """Every publication of one of these relations: by itself, its schema, an ancestor, or as one of all tables.

    One with different column lists for several of them is there more than once. The session's search_path has to be
    `pg_catalog`. Raises psycopg.Error.
    """
    detailed = connection.info.server_version >= _FIRST_WITH_DETAILS
    name = "catalog_publications.sql" if detailed else "catalog_publications_14.sql"
    text = resources.files("crossfade.postgres").joinpath("sql", name).read_bytes()
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(text, {"oids": list(oids)}).fetchall()
    found = (
        Publication(
            name=row["name"],
            all_tables=row["all_tables"],
            columns=None if row["columns"] is None else tuple(row["columns"]),
            row_filter=row["row_filter"],
        )
        for row in rows
    )
    return tuple(dict.fromkeys(found))
