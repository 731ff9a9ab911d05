"""A foreign key tried between two empty tables: only the server knows whether the types of both ends go together.

That two values can be compared is not enough: PostgreSQL wants an operator of the family that the referenced key's
index is of, and `numeric` equals `integer` by another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.trial import TRIAL_TABLE, Trial
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
    others = [c.name for c in referenced]
    return _trial(where, name, columns, own, referenced, _listed(others), (_listed(own), _listed(others)))


def period_key_trial(
    where: str, name: str, columns: Mapping[str, str], own: Sequence[str], referenced: Sequence[Column]
) -> Trial:
    """The same for a key whose last column is a PERIOD: it refers to one WITHOUT OVERLAPS, held up by a gist index."""
    others = [c.name for c in referenced]
    key = sql.SQL("{} WITHOUT OVERLAPS").format(_listed(others))
    return _trial(where, name, columns, own, referenced, key, (_with_period(own), _with_period(others)))


def _trial(
    where: str,
    name: str,
    columns: Mapping[str, str],
    own: Sequence[str],
    referenced: Sequence[Column],
    key: sql.Composed,
    ends: tuple[sql.Composed, sql.Composed],
) -> Trial:
    made = sql.SQL("CREATE TEMPORARY TABLE {} ({}, UNIQUE ({}))").format(
        sql.SQL(_REFERENCED),
        sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.type)) for c in referenced),
        key,
    )
    added = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})").format(
        sql.SQL(TRIAL_TABLE), sql.Identifier(name), ends[0], sql.SQL(_REFERENCED), ends[1]
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


def _listed(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _with_period(names: Sequence[str]) -> sql.Composed:
    return sql.SQL("{}, PERIOD {}").format(_listed(names[:-1]), sql.Identifier(names[-1]))
