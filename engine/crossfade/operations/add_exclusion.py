"""`add_exclusion`: no two rows that exclude each other, enforced in contract.

PostgreSQL has no concurrent way: it builds the index while reads and writes wait. So it is refused on a table of more
than 8 MB, unless the plan says that this one may stand still.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import SMALL_TABLE, right_refusals
from crossfade.operations.constraints import constraint_preflight, unvalidated
from crossfade.operations.indexes import index_preflight
from crossfade.operations.indexes.index_build import by_users_path
from crossfade.operations.indexes.index_definition import qualified
from crossfade.operations.indexes.index_preflight import with_index
from crossfade.operations.rows import data_preflight
from crossfade.operations.step import Caution, Compiled, Part, Step, Turn
from crossfade.operations.tables.table_preflight import family_of, table_refusals
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.catalog import Constraint, Index
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import AddExclusion
    from crossfade.plan.changes.add_exclusion import Excluding
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: AddExclusion, place: Place, catalog: Catalog) -> Compiled:
    """The step that adds the constraint; refusals instead where it would stop everybody for long."""
    table = catalog.resolve(change.table.schema, change.table.name)
    refusals = tuple(table_refusals(change.table, catalog))
    if refusals or table is None:
        return Compiled(refusals=refusals, catalog=catalog)
    refusals = tuple(_in_the_way(change, table, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    return Compiled(
        steps=(_add(change, place, table),),
        cautions=tuple(_blocks(change, table)),
        trials=(_trial(change, table),),
        catalog=_afterwards(change, table, catalog),
    )


def _in_the_way(change: AddExclusion, table: Table, catalog: Catalog) -> Iterator[Refusal]:
    yield from data_preflight.unknown_columns(table, change.used_columns)
    yield from right_refusals(family_of(table, catalog))
    yield from index_preflight.name_refusals(change.name, table, None, catalog)
    if table.kind == "partitioned":
        yield Refusal(
            code="partitioned_constraint",
            object=str(table.name),
            message="an exclusion constraint over all partitions takes the locks of all of them while it is built.",
            instead="Add it to each partition, with a change for each.",
        )
    if table.size_bytes > SMALL_TABLE and not change.allow_blocking:
        yield Refusal(
            code="blocking",
            object=str(table.name),
            message=f"PostgreSQL builds an exclusion constraint only while reads and writes wait, and the table has "
            f"{table.size_bytes // 2**20} MB.",
            instead="Measure how long it takes on a copy (`crossfade explain` prints the statement). If the table may "
            "stand still for as long, say `allow_blocking: true`, and choose the hour with a `window` gate.",
        )


def _blocks(change: AddExclusion, table: Table) -> Iterator[Caution]:
    if change.allow_blocking:
        yield Caution(
            code="blocking",
            object=f"{table.name.schema}.{quoted(change.name)}",
            message=f"reads and writes of {table.name} wait at contract while the index is built "
            f"({table.size_bytes // 2**20} MB).",
        )


def _definition(change: AddExclusion) -> sql.Composed:
    elements = sql.SQL(", ").join(
        # The model lets the characters of operators through and no others.
        sql.SQL("{} WITH {}").format(_element(e), sql.SQL(e.operator))
        for e in change.elements
    )
    head = sql.SQL("EXCLUDE USING {} ({})").format(sql.Identifier(change.method), elements)
    timing = {None: "", "immediate": " DEFERRABLE", "deferred": " DEFERRABLE INITIALLY DEFERRED"}[change.deferrable]
    return sql.SQL("{}{}{}").format(head, _where(change), sql.SQL(timing))


def _where(change: AddExclusion) -> sql.Composable:
    return sql.SQL(" WHERE ({})").format(sql.SQL(change.where.sql)) if change.where else sql.SQL("")


def _index(change: AddExclusion, table: Table) -> sql.Composed:
    """The index that holds it up, as one that stands alone."""
    return sql.SQL("CREATE INDEX {} ON {} USING {} ({}){}").format(
        sql.Identifier(change.name),
        sql.Identifier(table.name.schema, table.name.name),
        sql.Identifier(change.method),
        sql.SQL(", ").join(_element(e) for e in change.elements),
        _where(change),
    )


def _element(element: Excluding) -> sql.Composable:
    if element.column is not None:
        what: sql.Composable = sql.Identifier(element.column)
    else:
        assert element.expression is not None
        what = sql.SQL("({})").format(sql.SQL(element.expression.sql))
    opclass = sql.SQL("") if element.opclass is None else sql.SQL(" {}").format(qualified(element.opclass))
    return sql.SQL("{}{}").format(what, opclass)


def _add(change: AddExclusion, place: Place, table: Table) -> Step:
    relation, name = sql.Identifier(table.name.schema, table.name.name), sql.Identifier(change.name)
    add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(relation, name, _definition(change))
    gone = sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(relation, name)
    return Step(
        id=place.id(f"constraint/{change.name}"),
        part=Part.HIDE,
        title=f"add exclusion constraint {change.name} to {table.name} while reads and writes wait",
        statements=by_users_path(Statement(text=render(add))),
        undo=(Statement(text=render(gone)),),
        done=unvalidated.exists(table, change.name),
        turn=Turn.AFTER,
    )


def _trial(change: AddExclusion, table: Table) -> Trial:
    add = sql.SQL("ALTER TABLE {} ADD {}").format(sql.SQL(TRIAL_TABLE), _definition(change))
    return Trial(
        where=f"add_exclusion {change.name} on {table.name}",
        shown=render(_definition(change)),
        columns=tuple((c.name, c.type) for c in table.columns),
        statement=render(add),
    )


def _afterwards(change: AddExclusion, table: Table, catalog: Catalog) -> Catalog:
    columns = tuple(e.column for e in change.elements)
    constraint = Constraint(
        name=change.name,
        kind="exclusion",
        columns=tuple(c for c in columns if c is not None),
        definition=render(_definition(change)),
        deferrable=change.deferrable is not None,
        deferred=change.deferrable == "deferred",
        index=change.name,
    )
    index = Index(
        name=QualifiedName(table.name.schema, change.name),
        definition=render(_index(change, table)),
        method=change.method,
        columns=columns,
        key_count=len(columns),
        references=frozenset(change.used_columns),
        exclusion=True,
        partial=change.where is not None,
        has_expressions=None in columns,
        constraint=change.name,
    )
    marked = constraint_preflight.in_work(table, change.used_columns)
    return with_index(catalog, replace(marked, constraints=(*marked.constraints, constraint)), index)
