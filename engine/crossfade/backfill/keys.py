"""Where a table's rows are and by what key they can be walked; read from the catalog at run time.

Partitions come and go while a run is under way, so the relations are listed when they are needed and each has a key of
its own: its primary key, else its smallest unique index that orders every row, else none. Without a key the rows are
walked by their place in the table (`ctid`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table that holds rows itself: a plain table, a leaf partition, a member of an inheritance tree."""

    oid: int
    name: QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The columns that order a relation's rows without a tie; none at all stands for `ctid`."""

    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """What a text is cast to, to be compared with the column: the type below any domain, in SQL's spelling."""

    @property
    def is_place(self) -> bool:
        """Whether the rows can only be walked by their place in the table."""
        return not self.columns


def relations_of(connection: psycopg.Connection[Any], table: QualifiedName) -> tuple[Relation, ...]:
    """Every relation that holds rows of the table now. Raises psycopg's UndefinedTable where there is no such table."""
    with connection.cursor(row_factory=dict_row) as cursor:
        # As a text: of a parameter of another type that has no value the server says where it read it, too.
        cursor.execute("SELECT %s::pg_catalog.text::regclass", [str(table)])
        rows = cursor.execute(_query("relations"), {"schema": table.schema, "table": table.name}).fetchall()
    return tuple(Relation(oid=r["oid"], name=QualifiedName(r["schema"], r["name"])) for r in rows)


def choose_key(connection: psycopg.Connection[Any], relation: Relation, touched: tuple[str, ...] = ()) -> Key:
    """The relation's best key that has none of the touched columns."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_query("key"), {"oid": relation.oid, "touched": list(touched)}).fetchone()
    return Key(columns=tuple(row["columns"]), types=tuple(row["types"])) if row else Key()


@cache
def _query(name: str) -> bytes:
    return (resources.files("crossfade.backfill") / "sql" / f"{name}.sql").read_bytes()
