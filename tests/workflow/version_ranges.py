"""What the tests of ranges in the database share: one range asked in SQL and in Python."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from crossfade.plan.versions import Scheme, UnreadableVersion, VersionRange, parse_range
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

    from ..fixtures.servers import Server

ORDER = ("blue", "green", "red", "Grün", "blue-2", "1.0\n", "")
RANGES: dict[Scheme, str] = {
    "semver": ">=2.0.0-a",
    "pep440": ">=2.0a1",
    "calver": ">=2026.1",
    "integer": ">=4",
    "ordered": ">=green",
    "git": "4f2c91e",
}
"""For each scheme a range that names a pre-release, where there are any."""


@contextmanager
def database_with_ledger(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a fresh database with the ledger."""
    with fresh_database(server) as database, connect(database.url) as connection:
        ledger.install(connection)
        yield connection


def in_sql(connection: psycopg.Connection[Any], wanted: VersionRange, versions: Sequence[str]) -> list[bool | None]:
    rows = connection.execute(
        "SELECT crossfade.version_admitted(%s, version)"
        " FROM pg_catalog.unnest(%s::pg_catalog.text[]) WITH ORDINALITY AS seen(version, place) ORDER BY place",
        [Jsonb(wanted.as_json()), list(versions)],
    )
    return [admitted for (admitted,) in rows]


def in_python(wanted: VersionRange, version: str) -> bool | None:
    try:
        return wanted.admits(version)
    except UnreadableVersion:
        return None


def assert_same(connection: psycopg.Connection[Any], wanted: VersionRange, versions: Sequence[str]) -> None:
    expected = [in_python(wanted, version) for version in versions]
    found = in_sql(connection, wanted, versions)
    differ = [(v, e, f) for v, e, f in zip(versions, expected, found, strict=True) if e is not f]
    assert not differ, f"version, Python, SQL for {wanted.text!r}: {differ}"


def read(scheme: Scheme, text: str) -> VersionRange:
    return parse_range(scheme, text, order=ORDER if scheme == "ordered" else None)
