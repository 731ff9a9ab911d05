"""What stands in the way of a new constraint, or of work on one that is there: pure functions over the catalog."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import no_column, right_refusals
from crossfade.operations.columns.constant_value import no_null
from crossfade.operations.rows.data_preflight import routing, unwritable
from crossfade.operations.tables.table_preflight import family_of, other_runs, table_refusals

if TYPE_CHECKING:
    from crossfade.plan.expressions import Expression
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Catalog, Constraint, Table


def find(name: TableName, catalog: Catalog) -> Table | tuple[Refusal, ...]:
    """The table, or why it cannot be worked on."""
    unusable = tuple(table_refusals(name, catalog))
    table = catalog.resolve(name.schema, name.name)
    return unusable if unusable or table is None else table


def new_constraint(
    table: Table, name: str, columns: Iterable[str], catalog: Catalog, bearers: Iterable[Table]
) -> Iterator[Refusal]:
    """Why a constraint of this name over these columns cannot come; `bearers` are the tables that get it."""
    family = family_of(table, catalog)
    yield from owned(family)
    known = [column for column in columns if table.column(column) is not None]
    yield from (no_column(table, column) for column in columns if column not in known)
    yield from other_runs(family, (c for c in known if not is_of_this_plan(table, c)))
    for member in bearers:
        if name in member.constraint_names:
            yield name_taken(member, name)


def is_of_this_plan(table: Table, column: str) -> bool:
    """An earlier change of the plan works on it, which this one may build on."""
    found = table.column(column)
    return found is not None and found.work is not None


def name_taken(table: Table, name: str) -> Refusal:
    """A constraint of that name is there already."""
    return Refusal(
        code="constraint_exists",
        object=f"constraint {name} on {table.name}",
        message=f"table {table.name} has a constraint of that name already.",
        instead="Choose another name, or drop that constraint first.",
    )


def needed(family: Iterable[Table], constraint: Constraint) -> Iterator[Refusal]:
    """What needs the constraint, or the copy of it that a partition has, and so keeps it from being dropped."""
    for member in family:
        for one in member.constraints:
            is_copy = one.inherited and (one.kind, one.columns) == (constraint.kind, constraint.columns)
            for dependent in one.needed_by if one == constraint or is_copy else ():
                yield Refusal(
                    code="constraint_needed",
                    object=dependent,
                    message=f"it needs constraint {one.name} of {member.name}, which is dropped or made anew: a GROUP "
                    "BY of the key alone takes the other columns along, and ON CONFLICT may name a constraint.",
                    instead="Name in its GROUP BY every column that it shows, by CREATE OR REPLACE, or drop it first.",
                )


def fix_refusals(table: Table, kind: str, fix: Mapping[str, Expression], catalog: Catalog) -> Iterator[Refusal]:
    """Repairs of columns that nobody can write or that tell a row's partition, or that would give one NULL which may
    not be; of other expressions backfill tells it row by row."""
    yield from unwritable(table, fix)
    yield from moved(table, fix, "fix", catalog)
    for name, expression in fix.items():
        column = table.column(name)
        if column is not None:
            yield from no_null(column, f"fix of {kind} on {table.name}", expression)


def moved(table: Table, names: Iterable[str], key: str, catalog: Catalog) -> Iterator[Refusal]:
    """Repairs by which a row would belong into another partition; `key` is what the plan calls them."""
    instead = f"Leave `{key}` out, and repair such rows with an UPDATE of your own on the partitioned table."
    return routing(table, names, catalog, instead)


def no_constraint(table: Table, name: str) -> Refusal:
    """The table has no such constraint."""
    names = [c.name for c in table.constraints]
    near = difflib.get_close_matches(name, names, n=2)
    has = f"It has: {', '.join(names)}." if names else "It has none."
    return Refusal(
        code="no_such_constraint",
        object=f"{table.name}.{name}",
        message=f"table {table.name} has no constraint {name}.",
        instead=f"Did you mean {' or '.join(near)}?" if near else has,
    )


def existing(table: Table, name: str) -> Constraint | Refusal:
    """A constraint that this table declares itself, or why there is none to work on."""
    found = next((c for c in table.constraints if c.name == name), None)
    if found is None:
        return no_constraint(table, name)
    if not found.inherited:
        return found
    parents = ", ".join(str(n) for n in (table.partition_parent, *table.inherits) if n is not None)
    return Refusal(
        code="inherited_constraint",
        object=f"constraint {name} on {table.name}",
        message="it comes from a parent; PostgreSQL changes it only together with that one's.",
        instead=f"Name the parent in the plan: {parents}.",
    )


def owned(family: tuple[Table, ...]) -> Iterator[Refusal]:
    """Why this role may not change the tables; no index is built."""
    return (r for r in right_refusals(family) if r.code == "not_owner")


def in_work(table: Table, columns: Iterable[str]) -> Table:
    """The table as the plan's later changes find it: something is asked of these columns until the run is over."""
    names = frozenset(columns)
    return replace(
        table,
        columns=tuple(replace(c, work=c.work or "constrained") if c.name in names else c for c in table.columns),
    )
