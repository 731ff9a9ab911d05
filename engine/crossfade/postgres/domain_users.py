"""Which tables a change of a type is about: those with a column of it, or of a domain over it, or made of it."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

_SQL = resources.files("crossfade.postgres").joinpath("sql")
_QUERY = _SQL.joinpath("domain_users.sql").read_bytes()
_OF_TYPES = _SQL.joinpath("type_users.sql").read_bytes()


def tables_with(
    connection: psycopg.Connection[Any], types: Iterable[tuple[str | None, str]]
) -> list[tuple[str | None, str]]:
    """Schema and name of each table; types without a schema are found on the session's search_path."""
    return _asked(connection, _QUERY, types)


def relations_with(
    connection: psycopg.Connection[Any], types: Iterable[tuple[str | None, str]]
) -> list[tuple[str | None, str]]:
    """The same with materialized views, and with tables OF a type; a name that is no type is passed over."""
    return _asked(connection, _OF_TYPES, types)


def _asked(
    connection: psycopg.Connection[Any], query: bytes, types: Iterable[tuple[str | None, str]]
) -> list[tuple[str | None, str]]:
    wanted = list(types)
    if not wanted:
        return []
    parameters = {"schemas": [schema for schema, _ in wanted], "names": [name for _, name in wanted]}
    return [(row[0], row[1]) for row in connection.execute(query, parameters, prepare=False).fetchall()]
