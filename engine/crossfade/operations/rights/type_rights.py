"""Rights on a type that is made again: what default privileges gave is taken away, what was granted is granted.

The grants come in stored order and from the role that made each, as for views.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from crossfade.postgres.catalog import DataType
    from crossfade.postgres.names import QualifiedName


def rights(of: DataType, name: QualifiedName) -> Iterator[sql.Composable]:
    """The statements that give the type of this name, owned by the other's owner, the rights that the other has."""
    if of.privileges is None and not of.default_grantees:
        return
    made = sql.Identifier(name.schema, name.name)
    others = dict.fromkeys((None, *(role for role in of.default_grantees if role != of.owner)))
    roles = sql.SQL(", ").join(_role(role) for role in (of.owner, *others))
    yield sql.SQL("REVOKE ALL ON TYPE {} FROM {}").format(made, roles)
    if of.privileges is None:
        yield sql.SQL("GRANT ALL ON TYPE {} TO {}, PUBLIC").format(made, sql.Identifier(of.owner))
    for right in of.privileges or ():
        if right.grantor != of.owner:
            yield sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(right.grantor))
        # An owner has the grant option by itself.
        option = sql.SQL(" WITH GRANT OPTION" if right.grantable and right.grantee != of.owner else "")
        yield sql.SQL("GRANT USAGE ON TYPE {} TO {}{}").format(made, _role(right.grantee), option)
        if right.grantor != of.owner:
            yield sql.SQL("RESET ROLE")


def _role(name: str | None) -> sql.Composable:
    return sql.SQL("PUBLIC") if name is None else sql.Identifier(name)
