"""What the server has counted of a table's or an index's use. All I/O of `table_activity`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import class_row, dict_row

from crossfade.gates.queries import query
from crossfade.plan.names import TableName
from crossfade.plan.words import nearest_word
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    import psycopg

    from crossfade.plan.gates import TableActivity
    from crossfade.plan.gates.counted import Counting

SERVER = "server"
"""The counter of resets, and of which relation it is."""
READS: Counting = "reads"
WRITES: Counting = "writes"
_NOUNS = {"r": "table", "p": "table", "m": "materialized view", "i": "index", "I": "index", "v": "view"}
_NOUNS |= {"f": "foreign table", "S": "sequence", "c": "type"}
_TABLES, _INDEXES = ("r", "p", "m"), ("i", "I")
_READS = frozenset(("seq_scan", "seq_tup_read", "idx_scan", "idx_tup_fetch", "idx_tup_read"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """There is no such relation, or nothing is counted of its kind."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The relation that an entry means."""

    oid: int
    name: QualifiedName
    is_index: bool

    @property
    def words(self) -> str:
        """For messages."""
        return f"{'index' if self.is_index else 'table'} {self.name}"

    @property
    def view(self) -> str:
        """Where its counters are shown."""
        return "pg_stat_all_indexes" if self.is_index else "pg_stat_all_tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A transaction that has the table locked; without a pid it is a prepared one."""

    pid: int | None
    application_name: str | None
    role: str | None
    writes: bool

    @property
    def kind(self) -> Counting:
        """What it does to the table, by the lock."""
        return WRITES if self.writes else READS

    def __str__(self) -> str:
        if self.pid is None:
            return "a prepared transaction"
        return f"{self.application_name or '(no application_name)'} (pid {self.pid}) of role {self.role}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The counters at one moment."""

    target: Target
    at: datetime
    before: Mapping[str, Any]
    """What a reset of the statistics changes, read before the counters."""
    after: Mapping[str, Any]
    reads: Mapping[str, int]
    writes: Mapping[str, int]
    """Nothing for an index."""
    relations: int
    """How many were summed up."""
    last_read: str | None = None
    """When, by the server; from PostgreSQL 16 on."""
    users: tuple[User, ...] = ()
    """Of a table; whoever uses one has all its indexes locked."""
    uncounted: str | None = None
    """Why nothing is counted."""

    @property
    def by_kind(self) -> Mapping[str, Mapping[str, int]]:
        """Reads and writes."""
        return {READS: self.reads, WRITES: self.writes}


def find(connection: psycopg.Connection[Any], entry: TableActivity) -> Target | Missing:
    """The relation that the entry means; without a schema the first one on the search path of our role."""
    is_index = entry.index is not None
    wanted = entry.index or entry.table
    assert wanted is not None
    noun, kinds = ("index", _INDEXES) if is_index else ("table", _TABLES)
    schemas = [wanted.schema] if wanted.schema is not None else _search_path(connection)
    row = connection.execute(query("find_relation"), {"schemas": schemas, "name": wanted.name}).fetchone()
    if row is None:
        near = _nearest(connection, wanted, kinds)
        return Missing(reason=f"there is no {noun} {wanted}{near}")
    oid, schema, name, relkind = row
    if relkind not in kinds:
        other = _NOUNS.get(relkind, "relation")
        hint = f"; write `{other}:` for it" if relkind in (*_TABLES, *_INDEXES) else ", of which nothing is counted"
        return Missing(reason=f"{wanted} is no {noun} but a {other}{hint}")
    return Target(oid=oid, name=QualifiedName(schema, name), is_index=is_index)


def _search_path(connection: psycopg.Connection[Any]) -> list[str]:
    """That of our role in this database: the session's own is pinned."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path TO DEFAULT")
        row = connection.execute("SELECT pg_catalog.current_schemas(false)::pg_catalog.text[]").fetchone()
    return list(row[0]) if row else []


def _nearest(connection: psycopg.Connection[Any], wanted: TableName, kinds: tuple[str, ...]) -> str:
    rows = connection.execute(query("relation_names"), {"kinds": list(kinds)}).fetchall()
    spelled = {str(TableName(schema, name)): str(TableName(schema, name)) for schema, name in rows}
    for schema, name in rows:
        spelled.setdefault(str(TableName(None, name)), str(TableName(schema, name)))
    near = nearest_word(str(wanted), spelled)
    return f"; did you mean {spelled[near]}?" if near else ""


def read(connection: psycopg.Connection[Any], target: Target) -> Counts:
    """Its counters, those of partitions and children included."""
    # Else a transaction reads the same figures again.
    connection.execute("SELECT pg_catalog.pg_stat_clear_snapshot()")
    before, uncounted, _ = _server(connection, target)
    with connection.cursor(row_factory=dict_row) as cursor:
        name = "index_counts" if target.is_index else "table_counts"
        row = cursor.execute(query(name), {"oid": target.oid}).fetchone()
    assert row is not None
    relations, last_read = row.pop("relations"), row.pop("last_read")
    users: tuple[User, ...] = ()
    if not target.is_index:
        with connection.cursor(row_factory=class_row(User)) as sessions:
            users = tuple(sessions.execute(query("table_users"), {"oid": target.oid}).fetchall())
    after, _, at = _server(connection, target)
    return Counts(
        target=target,
        at=at,
        before=before,
        after=after,
        reads={name: count for name, count in row.items() if name in _READS},
        writes={name: count for name, count in row.items() if name not in _READS},
        relations=relations,
        last_read=last_read,
        users=users,
        uncounted=uncounted,
    )


def _server(connection: psycopg.Connection[Any], target: Target) -> tuple[dict[str, Any], str | None, datetime]:
    row = connection.execute(query("statistics_resets")).fetchone()
    assert row is not None
    database, server, track_counts, roles, at = row
    uncounted = None
    if track_counts == "off":
        uncounted = "track_counts is off, so nothing is counted; set it to on"
    elif roles:
        uncounted = f"what {', '.join(roles[:5])} does is not counted; run ALTER ROLE … RESET track_counts"
    return {"database": database, "server": server, "oid": target.oid}, uncounted, at
