"""What `split_table`, `move_columns` and `merge_tables` have in common: the columns, in two homes, and without them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.own_names import own_name
from crossfade.operations.sync import sameness
from crossfade.operations.sync.two_homes import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crossfade.postgres.catalog import Column, Table


def column(table: Table, name: str) -> Column:
    """The column, which preflight has looked for."""
    found = table.column(name)
    assert found is not None, "preflight has looked"
    return found


def pair(found: Column, main: str, side: str) -> Pair:
    """A column under both its names; what a row has in it that nobody gave a value."""
    empty = sql.SQL("NULL" if found.default is None else found.default.expression)
    return Pair(
        main=main,
        side=side,
        exact=sameness.is_exact(found),
        empty=sql.SQL("({})::{}").format(empty, sql.SQL(found.type)),
    )


def hidden_names(plan: str, table: Table, columns: Iterable[str]) -> dict[str, str]:
    """The columns' names while the run is `retained`."""
    return {name: own_name("old", plan, table.name.schema, table.name.name, name) for name in columns}


def without(table: Table, gone: frozenset[str]) -> Table:
    """The table once the columns are gone, with all that goes along."""
    constraints = {c.name for name in gone for c in table.constraints_using(name)}
    return replace(
        table,
        columns=tuple(c for c in table.columns if c.name not in gone),
        constraints=tuple(c for c in table.constraints if c.name not in constraints),
        indexes=tuple(i for i in table.indexes if not i.references & gone),
        extended_statistics=tuple(s for s in table.extended_statistics if not gone & {*s.columns}),
    )
