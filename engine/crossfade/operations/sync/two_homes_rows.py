"""Rows whose two homes do not hold the same: what a backfill has to carry, and what must not be left before contract.

A backfill of two tables that are both there already writes neither of them: it notes the rows, and the trigger on the
notes carries each at COMMIT, by the same rules as everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from psycopg import sql

from crossfade.operations.step import Copy, RowCopy, RowLook
from crossfade.operations.sync.sameness import same
from crossfade.operations.sync.two_homes_words import column_of, equal, listed
from crossfade.operations.tables.second_name import identifier
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.sync.two_homes import Key, Pair, TwoHomes
    from crossfade.postgres.names import QualifiedName

Side = Literal["main", "side"]


def noting(homes: TwoHomes, id_: str, hidden: tuple[str, ...]) -> RowCopy:
    """Every row of the old home that is not in the new one is noted; in either, those that are not equal are found."""
    old: Side = homes.old
    new: Side = "side" if old == "main" else "main"
    source, target = _table(homes, old), _table(homes, new)
    return RowCopy(
        id=id_,
        schema=source.schema,
        table=source.name,
        pending=apart(homes, old),
        write=Copy(
            into=render(homes.notes),
            columns=(*(f"k{n}" for n in range(1, len(homes.key) + 1)), "newer", "columns"),
            values=(*(render(sql.Identifier(column_of(k, old))) for k in homes.key), render(sql.Literal(old)), "0"),
        ),
        across=render(identifier(target)),
        surplus=RowLook(id=id_, schema=target.schema, table=target.name, pending=apart(homes, new)),
        hidden=hidden,
    )


def apart(homes: TwoHomes, side: Side) -> str:
    """True for a row of this table to which the other has none that is equal, and of which nothing is noted.

    Where the tables are sparse, none at all is equal to a row of the main table that has no values. The other's columns
    are found by a subquery that gives them names of ours, so that the row's need no table's name.
    """
    other: Side = "side" if side == "main" else "main"
    pairs: tuple[Key | Pair, ...] = (*homes.key, *homes.pairs)
    aliases = [sql.Identifier(f"crossfade_{n}") for n in range(1, len(pairs) + 1)]
    heres = [sql.Identifier(column_of(p, side)) for p in pairs]
    there = sql.SQL("(SELECT {} FROM {}) AS crossfade_other").format(
        listed(
            sql.SQL("{} AS {}").format(sql.Identifier(column_of(p, other)), alias)
            for p, alias in zip(pairs, aliases, strict=True)
        ),
        identifier(_table(homes, other)),
    )
    keys = len(homes.key)
    by_key = sql.SQL(" AND ").join(map(equal, aliases[:keys], heres[:keys]))
    equals = sql.SQL("EXISTS (SELECT FROM {} WHERE {} AND pg_catalog.record_image_eq(ROW({}), ROW({})))").format(
        there, by_key, listed(aliases[keys:]), listed(heres[keys:])
    )
    missing: sql.Composable = sql.SQL("NOT {}").format(equals)
    if homes.sparse and side == "main":
        empty = sql.SQL(" AND ").join(same(sql.Identifier(p.main), p.empty, exact=p.exact) for p in homes.pairs)
        missing = sql.SQL("{} AND NOT ({} AND NOT EXISTS (SELECT FROM {} WHERE {}))").format(
            missing, empty, there, by_key
        )
    return render(sql.SQL("{} AND {}").format(missing, _unnoted(homes, heres[:keys])))


def _unnoted(homes: TwoHomes, heres: list[sql.Identifier]) -> sql.Composed:
    aliases = [sql.Identifier(f"crossfade_k{n}") for n in range(1, len(heres) + 1)]
    return sql.SQL("NOT EXISTS (SELECT FROM (SELECT {} FROM {}) AS crossfade_noted WHERE {})").format(
        listed(sql.SQL("{} AS {}").format(sql.Identifier(f"k{n}"), alias) for n, alias in enumerate(aliases, 1)),
        homes.notes,
        sql.SQL(" AND ").join(map(equal, aliases, heres)),
    )


def _table(homes: TwoHomes, side: Side) -> QualifiedName:
    return homes.main if side == "main" else homes.side
