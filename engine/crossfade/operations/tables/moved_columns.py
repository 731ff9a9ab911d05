"""What `split_table`, `move_columns` and `merge_tables` have in common: the columns, in two homes, and without them.

Columns that move step aside at contract under names of ours, and go once `retain` is over.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import Part, Step
from crossfade.operations.sync import sameness, two_homes
from crossfade.operations.sync.two_homes import Pair
from crossfade.operations.twins.exchange import column_exists, drop_column, negated, rename_column
from crossfade.postgres.own_names import own_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crossfade.operations.step import Place
    from crossfade.operations.sync.two_homes import TwoHomes
    from crossfade.postgres.catalog import Column, Table
    from crossfade.postgres.statement import Statement


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


def step_aside(homes: TwoHomes, table: Table, hidden: Mapping[str, str]) -> Iterator[Statement]:
    """The columns under their names of ours, following the other home; `hidden` has these by the columns' own."""
    yield from two_homes.let_go(homes)
    yield from two_homes.settle(homes)
    yield from (rename_column(table, old, name) for old, name in hidden.items())
    yield from two_homes.follow(homes.hidden(hidden))


def come_back(homes: TwoHomes, table: Table, hidden: Mapping[str, str]) -> Iterator[Statement]:
    """The columns under their own names, and both homes served; what is noted is still to be settled."""
    yield from two_homes.let_go(homes)
    yield from (rename_column(table, name, old) for old, name in hidden.items())
    yield from two_homes.serve_both(homes)


def drop(place: Place, homes: TwoHomes, table: Table, hidden: Mapping[str, str]) -> Step:
    """The hidden columns go."""
    names = tuple(hidden.values())
    return Step(
        id=place.id("drop"),
        part=Part.DROP,
        title=f"drop what {', '.join(hidden)} was on {table.name}, with our triggers",
        statements=(
            *two_homes.let_go(homes),
            *two_homes.drop(homes),
            *(drop_column(table, name) for name in names),
        ),
        done=negated(column_exists(table, names[0])),
    )


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
