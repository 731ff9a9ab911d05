"""`add_primary_key`: a table gets a primary key, enforced in contract.

Its columns are proved NOT NULL first, by a CHECK that is validated while everybody goes on, then the unique index is
built concurrently, then one short transaction makes them the key; without the proof all rows would be read in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import unproved
from crossfade.operations.constraints import unvalidated
from crossfade.operations.constraints.unvalidated import Unvalidated
from crossfade.operations.indexes import partition_indexes, unique_constraints
from crossfade.operations.indexes.index_definition import IndexDefinition, staged_names
from crossfade.operations.indexes.unique_constraints import Unique
from crossfade.operations.step import Compiled, Part, Step, Turn, all_or_none
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.operations.trial import ViolationLook
from crossfade.plan.changes.index_fields import IndexKey
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import AddPrimaryKey
    from crossfade.postgres.catalog import Catalog, Column, Table


def compile_change(change: AddPrimaryKey, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one primary key against a catalog; refusals instead where it cannot be."""
    table = catalog.resolve(change.table.schema, change.table.name)
    refusals = tuple(table_refusals(change.table, catalog))
    if refusals or table is None:
        return Compiled(refusals=refusals, catalog=catalog)
    definition = IndexDefinition(keys=tuple(IndexKey(column=name) for name in change.columns), unique=True)
    family = partition_indexes.named(table, change.name, replace(definition, keys=()), catalog, label="pkey")
    unique = Unique(kind="primary", family=family, definition=definition)
    refusals = (*unique_constraints.refusals(unique, catalog), *_in_the_way(unique))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    nullable = tuple(c for c in table.columns if c.name in change.columns and not c.not_null)
    proofs = (step for column in nullable for step in _proof(place, table, column))
    return Compiled(
        steps=(
            *all_or_none((*proofs, *unique_constraints.builds(place, unique))),
            _key(place, unique, nullable),
        ),
        trials=(unique_constraints.trial(change.kind, unique),),
        looks=(unique_constraints.look(unique), *_look(table, nullable)),
        catalog=_afterwards(catalog, unique),
    )


def _in_the_way(unique: Unique) -> Iterator[Refusal]:
    for one in unique.family:
        for name in unique.columns:
            yield from unproved(one.table, name)
        for constraint in one.table.constraints:
            if constraint.kind == "primary":
                yield Refusal(
                    code="primary_key_exists",
                    object=str(one.table.name),
                    message=f"it has a primary key already, {quoted(constraint.name)}.",
                    instead="Add a unique constraint, or drop that key first.",
                )
    nullable = [c.name for c in unique.table.columns if c.name in unique.columns and not c.not_null]
    if nullable and unique.table.kind == "partitioned":
        yield Refusal(
            code="nullable_key",
            object=str(unique.table.name),
            message=f"{', '.join(map(quoted, nullable))} may be NULL, and a key over partitions would make PostgreSQL "
            "read them all while reads and writes wait.",
            instead="Make the columns NOT NULL first, in a plan of its own: `set_not_null`.",
        )
    in_work = [c.name for c in unique.table.columns if c.name in unique.columns and c.not_null and c.work]
    if in_work and unique.table.kind == "partitioned":
        yield Refusal(
            code="not_together",
            object=str(unique.table.name),
            message=f"an earlier change of this plan is at work on {', '.join(map(quoted, in_work))}, and a key over "
            "partitions makes each of them NOT NULL by itself, which nobody takes back.",
            instead="Let the earlier change be over first: put the key into a plan of its own.",
        )


def _check_name(place: Place, column: Column) -> str:
    return place.name("nn", column.name)


def _proof(place: Place, table: Table, column: Column) -> Iterator[Step]:
    """Before any name changes hands, so by the names until contract."""
    name = staged_names(table).get(column.name, column.name)
    proof = Unvalidated(
        table=replace(table, name=table.staged),
        name=_check_name(place, column),
        definition=sql.SQL("CHECK ({} IS NOT NULL)").format(sql.Identifier(name)),
        id=f"not_null/{column.name}",
        comment=place.mark,
        part=Part.HIDE,
    )
    for step in unvalidated.steps(place, proof):
        yield replace(step, turn=Turn.FIRST)


def _look(table: Table, nullable: tuple[Column, ...]) -> Iterator[ViolationLook]:
    names = [sql.Identifier(column.staged) for column in nullable]
    if names:
        yield ViolationLook(
            table=str(table.staged),
            violated=render(sql.SQL(" OR ").join(sql.SQL("{} IS NULL").format(name) for name in names)),
            what=f"with NULL in {', '.join(quoted(c.staged) for c in nullable)}",
            then="Contract cannot make a key of it as long as there are any: give them values before, and see that no "
            "version writes more.",
        )


def _key(place: Place, unique: Unique, nullable: tuple[Column, ...]) -> Step:
    """The proofs go in a statement of their own: in one with the key, they would be gone before they are looked at."""
    table = unique.table
    proofs = (sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(_check_name(place, c))) for c in nullable)
    again = (sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(sql.Identifier(c.name)) for c in nullable)
    key = unique_constraints.constrain(
        place,
        unique,
        then=tuple(_alter(table, action) for action in proofs),
        undone=tuple(_alter(table, action) for action in again),
    )
    proven = (step.id for column in nullable for step in _proof(place, table, column))
    return replace(key, takes_along=(*key.takes_along, *proven))


def _alter(table: Table, action: sql.Composable) -> Statement:
    relation = sql.Identifier(table.name.schema, table.name.name)
    return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(relation, action)))


def _afterwards(catalog: Catalog, unique: Unique) -> Catalog:
    catalog = unique_constraints.afterwards(catalog, unique)
    for one in unique.family:
        table = catalog.table(one.table.name) or one.table
        columns = tuple(replace(c, not_null=c.not_null or c.name in unique.columns) for c in table.columns)
        catalog = catalog.with_table(replace(table, columns=columns))
    return catalog
