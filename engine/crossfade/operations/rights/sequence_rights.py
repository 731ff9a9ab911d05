"""Rights on a sequence that is made again: what default privileges gave is taken away, what was granted is granted.

The grants come in stored order and from the role that made each, as for views.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Privilege, Sequence

_WORDS = {"SELECT": sql.SQL("SELECT"), "UPDATE": sql.SQL("UPDATE"), "USAGE": sql.SQL("USAGE")}


def rights(sequence: Sequence) -> Iterator[sql.Composable]:
    """The statements that give a sequence, just made for its owner, the rights that it had."""
    name = sql.Identifier(sequence.name.schema, sequence.name.name)
    if sequence.privileges is None and not sequence.default_grantees:
        return
    others = [role for role in sequence.default_grantees if role != sequence.owner]
    roles = sql.SQL(", ").join(_role(role) for role in (sequence.owner, *others))
    yield sql.SQL("REVOKE ALL ON SEQUENCE {} FROM {}").format(name, roles)
    if sequence.privileges is None:
        yield sql.SQL("GRANT ALL ON SEQUENCE {} TO {}").format(name, sql.Identifier(sequence.owner))
    for (grantor, grantee), entry in groupby(sequence.privileges or (), key=lambda p: (p.grantor, p.grantee)):
        if grantor != sequence.owner:
            yield sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(grantor))
        yield from _grants(sequence, grantee, tuple(entry))
        if grantor != sequence.owner:
            yield sql.SQL("RESET ROLE")


def _grants(sequence: Sequence, grantee: str | None, entry: tuple[Privilege, ...]) -> Iterator[sql.Composable]:
    """One entry of the access list."""
    # An owner has every grant option by itself.
    grantable = tuple(p for p in entry if p.grantable and grantee != sequence.owner)
    plain = tuple(p for p in entry if p not in grantable)
    if grantable:
        yield sql.SQL("{} WITH GRANT OPTION").format(_grant(sequence, grantable, grantee))
    if plain:
        yield _grant(sequence, plain, grantee)


def _grant(sequence: Sequence, privileges: Iterable[Privilege], grantee: str | None) -> sql.Composed:
    return sql.SQL("GRANT {} ON SEQUENCE {} TO {}").format(
        sql.SQL(", ").join(_WORDS[p.privilege] for p in privileges),
        sql.Identifier(sequence.name.schema, sequence.name.name),
        _role(grantee),
    )


def _role(name: str | None) -> sql.Composable:
    return sql.SQL("PUBLIC") if name is None else sql.Identifier(name)
