"""A foreign key tried between two empty tables: only the server knows whether the types of both ends go together.

That two values can be compared is not enough: PostgreSQL wants an operator of the family that the referenced key's
index is of, and `numeric` equals `integer` by another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import TRIAL_TABLE, Trial
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crossfade.postgres.catalog import Column

_REFERENCED = f"{TRIAL_TABLE}_referenced"


def key_trial(
    where: str, name: str, columns: Mapping[str, str], own: Sequence[str], referenced: Sequence[Column]
) -> Trial:
    """Columns of a table, by their names and types, that are to refer to columns of another one; `name` is what the
    server's words call the key."""
    others = sql.SQL(", ").join(sql.Identifier(c.name) for c in referenced)
    made = sql.SQL("CREATE TEMPORARY TABLE {} ({}, UNIQUE ({}))").format(
        sql.SQL(_REFERENCED),
        sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.type)) for c in referenced),
        others,
    )
    added = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})").format(
        sql.SQL(TRIAL_TABLE),
        sql.Identifier(name),
        sql.SQL(", ").join(map(sql.Identifier, own)),
        sql.SQL(_REFERENCED),
        others,
    )
    types = f"{', '.join(columns[c] for c in own)} to {', '.join(c.type for c in referenced)}"
    instead = f"Types that are equal by the referenced key's own operator can refer to each other; this is {types}."
    return Trial(
        where=where,
        shown=", ".join(own),
        columns=tuple(columns.items()),
        statement=render(added),
        prelude=(render(made),),
        instead=instead,
    )
