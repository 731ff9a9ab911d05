"""Of a foreign key to a partitioned table PostgreSQL keeps one for each partition of that, on the same table.

Their names are its choice: from the table's name and the columns', and from PostgreSQL 18 from the key's. Nobody sees
them but in the error of who deletes a row that is referred to. They can be fewer or more than when the run began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.indexes.index_build import regclass
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import QualifiedName


@dataclass(frozen=True, slots=True)
class KeyOf:
    """A foreign key, by the names that it and its table have at that moment."""

    table: QualifiedName
    name: str


_EXCHANGE = """
DECLARE command pg_catalog.text;
BEGIN
FOR command IN
    WITH RECURSIVE part AS (
        SELECT k.oid, k.conrelid, k.confrelid, k.conname, key.is_one, false AS is_part
        FROM (VALUES ({one}, {one_name}, true), ({other}, {other_name}, false)) AS key (relation, name, is_one)
        JOIN pg_catalog.pg_constraint AS k ON k.conrelid = key.relation AND k.conname = key.name
        UNION ALL
        SELECT k.oid, k.conrelid, k.confrelid, k.conname, part.is_one, true
        FROM pg_catalog.pg_constraint AS k JOIN part ON k.conparentid = part.oid AND k.conrelid = part.conrelid
    ), pair AS (
        SELECT pg_catalog.quote_ident(a.conname) AS one, pg_catalog.quote_ident(b.conname) AS other,
               pg_catalog.concat({aside}, '_', pg_catalog.row_number() OVER ()) AS aside
        FROM part AS a JOIN part AS b ON b.confrelid = a.confrelid AND b.is_part AND NOT b.is_one
        WHERE a.is_part AND a.is_one
    )
    SELECT s.command
    FROM pair, LATERAL (VALUES
        (1, pg_catalog.concat({rename_one}, pair.one, ' TO ', pair.aside, 'a')),
        (1, pg_catalog.concat({rename_other}, pair.other, ' TO ', pair.aside, 'b')),
        (2, pg_catalog.concat({rename_one}, pair.aside, 'a TO ', pair.other)),
        (2, pg_catalog.concat({rename_other}, pair.aside, 'b TO ', pair.one))
    ) AS s (turn, command)
    ORDER BY s.turn
LOOP
    EXECUTE command;
END LOOP;
END
"""


def exchange_names(one: KeyOf, other: KeyOf, aside: str) -> Statement:
    """The parts of two keys to the same table exchange their names, by way of names of ours that begin with `aside`.

    Done twice it has done nothing.
    """
    block = sql.SQL(_EXCHANGE).format(
        one=_oid(one),
        other=_oid(other),
        one_name=sql.Literal(one.name),
        other_name=sql.Literal(other.name),
        rename_one=_rename(one),
        rename_other=_rename(other),
        aside=sql.Literal(aside),
    )
    return Statement(text=render(sql.SQL("DO {}").format(sql.Literal(render(block)))))


def _oid(key: KeyOf) -> sql.Composed:
    return sql.SQL("pg_catalog.to_regclass({})::pg_catalog.oid").format(regclass(key.table))


def _rename(key: KeyOf) -> sql.Literal:
    relation = sql.Identifier(key.table.schema, key.table.name)
    return sql.Literal(render(sql.SQL("ALTER TABLE {} RENAME CONSTRAINT ").format(relation)))
