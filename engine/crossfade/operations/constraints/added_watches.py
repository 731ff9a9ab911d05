"""Writes that would break what constrains an added column from contract on: counted until then, and refused to nobody.

What such a row has may come from an old version, by `fill` or the default, or from a new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.sync.row_functions import body_over, named
from crossfade.operations.sync.watching import Watched
from crossfade.operations.tables.table_preflight import descendants_by_inheritance, staged_members

if TYPE_CHECKING:
    from crossfade.operations.columns.added_column import Added
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Column, QualifiedName, Table


def of_not_null(added: Added) -> Watched:
    """Rows that are left without a value, where `fill` gives none."""
    return _watched(added, f"NOT NULL of {added.change.name}", (added.change.name,), sql.SQL("$1 IS NOT NULL"))


def of_check(added: Added, name: str, check: Expression) -> Watched:
    """Rows for which the CHECK of this name is false."""
    return _watched(added, name, check.columns, body_over(check, added.made_on(added.table).columns))


def of_references(added: Added, name: str, other: Table, key: Column) -> Watched:
    """Rows that refer to nothing in the other table; the foreign key is the table's alone, as PostgreSQL has it."""
    table = added.made_on(added.table)
    return Watched(
        place=added.place,
        table=table,
        members=(table.staged,),
        constraint=name,
        columns=named(table, (added.change.name,)),
        holds=sql.SQL("$1 IS NULL OR EXISTS (SELECT FROM {} AS r WHERE r.{} = $1)").format(
            sql.Identifier(other.staged.schema, other.staged.name), sql.Identifier(key.staged)
        ),
        only_if_changed=True,
        reads_others=True,
        inherited=False,
    )


def final_members(added: Added, watched: Watched) -> tuple[QualifiedName, ...]:
    """The tables with triggers, by the names that they have after contract."""
    below = descendants_by_inheritance(added.catalog, added.table) if watched.inherited else ()
    return (added.table.name, *below)


def _watched(added: Added, constraint: str, columns: tuple[str, ...], holds: sql.Composable) -> Watched:
    table = added.made_on(added.table)
    return Watched(
        place=added.place,
        table=table,
        members=(table.staged, *(t.staged for t in staged_members(added.catalog, added.table))),
        constraint=constraint,
        columns=named(table, columns),
        holds=holds,
    )
