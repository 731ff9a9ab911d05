"""Rights on a view that is made again: what default privileges gave is taken away, what was granted is granted again.

The grants come in stored order and from the role that made each, so that the access lists are the same, not only
their meaning. A grant by another role than the owner is made as that role: PostgreSQL has no other way to say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column, Privilege
    from crossfade.postgres.catalog_views import View
    from crossfade.postgres.names import QualifiedName

_WORDS = {
    "SELECT": sql.SQL("SELECT"),
    "INSERT": sql.SQL("INSERT"),
    "UPDATE": sql.SQL("UPDATE"),
    "DELETE": sql.SQL("DELETE"),
    "TRUNCATE": sql.SQL("TRUNCATE"),
    "REFERENCES": sql.SQL("REFERENCES"),
    "TRIGGER": sql.SQL("TRIGGER"),
    "MAINTAIN": sql.SQL("MAINTAIN"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """Another relation that is made again, as far as rights go."""

    name: QualifiedName
    owner: str
    creator: str
    privileges: tuple[Privilege, ...] | None
    default_grantees: tuple[str | None, ...] | None
    columns: tuple[Column, ...]


def rights(view: View | Handed) -> Iterator[sql.Composable]:
    """The statements that give a view, just made by its creator and handed to its owner, the rights that it had."""
    name = sql.Identifier(view.name.schema, view.name.name)
    if view.privileges is not None or view.default_grantees is not None:
        others = [role for role in view.default_grantees or () if role not in (view.owner, view.creator)]
        roles = sql.SQL(", ").join(_role(role) for role in (view.owner, *others))
        yield sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(name, roles)
        if view.privileges is None:
            yield sql.SQL("GRANT ALL ON TABLE {} TO {}").format(name, sql.Identifier(view.owner))
    yield from _grants(view, view.privileges or (), None)
    for column in view.columns:
        yield from _grants(view, column.privileges, column)


def _grants(view: View | Handed, privileges: Iterable[Privilege], column: Column | None) -> Iterator[sql.Composable]:
    """One access list, entry by entry."""
    for (grantor, grantee), entry in groupby(privileges, key=lambda p: (p.grantor, p.grantee)):
        of_entry = tuple(entry)
        if grantor != view.owner:
            yield sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(grantor))
        # An owner has every grant option by itself.
        grantable = tuple(p for p in of_entry if p.grantable and grantee != view.owner)
        plain = tuple(p for p in of_entry if p not in grantable)
        if grantable:
            yield sql.SQL("{} WITH GRANT OPTION").format(_grant(view, grantable, grantee, column))
        if plain:
            yield _grant(view, plain, grantee, column)
        if grantor != view.owner:
            yield sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(view.creator))


def _grant(
    view: View | Handed, privileges: Iterable[Privilege], grantee: str | None, column: Column | None
) -> sql.Composed:
    where = sql.SQL("") if column is None else sql.SQL(" ({})").format(sql.Identifier(column.name))
    words = sql.SQL(", ").join(sql.SQL("{}{}").format(_WORDS[p.privilege], where) for p in privileges)
    return sql.SQL("GRANT {} ON TABLE {} TO {}").format(
        words, sql.Identifier(view.name.schema, view.name.name), _role(grantee)
    )


def _role(name: str | None) -> sql.Composable:
    return sql.SQL("PUBLIC") if name is None else sql.Identifier(name)
