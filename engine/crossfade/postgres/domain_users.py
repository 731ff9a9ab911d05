"""Which tables a change of a domain or an enum is about: those with a column of it."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

_QUERY = resources.files("crossfade.postgres").joinpath("sql", "domain_users.sql").read_bytes()


def tables_with(
    connection: psycopg.Connection[Any], types: Iterable[tuple[str | None, str]]
) -> list[tuple[str | None, str]]:
    """Schema and name of each table; types without a schema are found on the session's search_path."""
    wanted = list(types)
    if not wanted:
        return []
    parameters = {"schemas": [schema for schema, _ in wanted], "names": [name for _, name in wanted]}
    return [(row[0], row[1]) for row in connection.execute(_QUERY, parameters, prepare=False).fetchall()]
