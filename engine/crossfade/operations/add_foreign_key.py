"""`add_foreign_key`: rows, or writes of an old version, may still refer to what is not there.

    counted   expand notes writes that refer to no row; backfill repairs rows; contract adds and validates it
    now       expand adds it NOT VALID; backfill repairs rows and validates it

A write is looked at once its statement is over, or with `initially_deferred` once its transaction is, as by the foreign
key. Rows that lose what they refer to are not writes of this table: the gate finds them when it looks at the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.constraints import awaited_constraint, constraint_preflight, foreign_key_preflight
from crossfade.operations.constraints.awaited_constraint import Awaited
from crossfade.operations.constraints.key_trial import key_trial
from crossfade.operations.step import Caution, Compiled
from crossfade.operations.sync import row_functions
from crossfade.operations.sync.watching import Watched
from crossfade.operations.trial import Trial
from crossfade.postgres.catalog import Constraint, ForeignKey
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.constraints.foreign_key_preflight import Ends
    from crossfade.operations.step import Place
    from crossfade.plan.changes import AddForeignKey
    from crossfade.postgres.catalog import Catalog


def compile_change(change: AddForeignKey, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one new foreign key against a catalog; refusals instead where it cannot be added."""
    ends = foreign_key_preflight.find(change, catalog)
    if isinstance(ends, tuple):
        return Compiled(refusals=ends, catalog=catalog)
    refusals = tuple(foreign_key_preflight.refusals(change, ends, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    awaited = _awaited(change, place, ends)
    steps, watches = awaited_constraint.compiled_steps(awaited, change.enforce)
    return Compiled(
        steps=steps,
        fills=awaited_constraint.fills(awaited, change.enforce),
        watches=watches,
        cautions=tuple(_without_index(change, ends)),
        trials=tuple(_trials(change, ends)),
        catalog=_afterwards(change, ends, catalog),
    )


def _awaited(change: AddForeignKey, place: Place, ends: Ends) -> Awaited:
    table = ends.table
    return Awaited(
        watched=Watched(
            place=place,
            table=table,
            # Partitions get clones of the triggers; inheritance children do not get the constraint.
            members=(table.staged,),
            constraint=change.name,
            columns=ends.columns,
            holds=_holds(change, ends),
            only_if_changed=True,
            reads_others=True,
            deferred=change.initially_deferred,
            inherited=False,
        ),
        members=(table.name,),
        definition=_definition(change, ends),
        definition_now=_definition(change, ends.until_contract),
        fix=row_functions.fixes(place, table, change.fix),
    )


def _holds(change: AddForeignKey, ends: Ends) -> sql.Composed:
    """Whether the row refers to nothing, or to something that is there."""
    values = [sql.SQL(f"${number}") for number in range(1, len(ends.columns) + 1)]
    empty = [sql.SQL("{} IS NULL").format(value) for value in values]
    equal = [
        sql.SQL("r.{} = {}").format(sql.Identifier(column.staged), value)
        for column, value in zip(ends.referenced_columns, values, strict=True)
    ]
    return sql.SQL("{} OR EXISTS (SELECT FROM {} AS r WHERE {})").format(
        sql.SQL(" AND " if change.match == "full" else " OR ").join(empty),
        sql.Identifier(ends.referenced.staged.schema, ends.referenced.staged.name),
        sql.SQL(" AND ").join(equal),
    )


def _definition(change: AddForeignKey, ends: Ends) -> sql.Composed:
    """What follows the constraint's name."""
    other = ends.referenced.name
    own = sql.SQL(", ").join(sql.Identifier(c.name) for c in ends.columns)
    others = sql.SQL(", ").join(sql.Identifier(c.name) for c in ends.referenced_columns)
    when = [f" ON {event} {action.upper()}" for event, action in _actions(change) if action != "no action"]
    when += [" DEFERRABLE"] if change.deferrable else []
    when += [" INITIALLY DEFERRED"] if change.initially_deferred else []
    return sql.SQL("FOREIGN KEY ({}) REFERENCES {} ({}){}{}").format(
        own,
        sql.Identifier(other.schema, other.name),
        others,
        sql.SQL(" MATCH FULL" if change.match == "full" else ""),
        sql.SQL("".join(when)),
    )


def _actions(change: AddForeignKey) -> tuple[tuple[str, str], ...]:
    return ("UPDATE", change.on_update), ("DELETE", change.on_delete)


def _trials(change: AddForeignKey, ends: Ends) -> Iterator[Trial]:
    """The key and each repair, on empty tables."""
    columns = {c.name: c.type for c in ends.table.columns}
    where = f"columns of add_foreign_key on {ends.table.name}"
    yield key_trial(where, change.name, columns, change.columns, ends.referenced_columns)
    yield from row_functions.fix_trials(change.kind, "fix", ends.table, change.fix)


def _without_index(change: AddForeignKey, ends: Ends) -> Iterator[Caution]:
    if not foreign_key_preflight.is_indexed(ends.table, change.columns):
        yield Caution(
            code="foreign_key_without_index",
            object=f"{ends.table.name} ({', '.join(change.columns)})",
            message=f"no index begins with these columns, so each row of {ends.referenced.name} that is deleted, or "
            f"gets another key, makes PostgreSQL read all of {ends.table.name}. Build one with create_index.",
        )


def _afterwards(change: AddForeignKey, ends: Ends, catalog: Catalog) -> Catalog:
    definition = render(_definition(change, ends))
    others = tuple(c.name for c in ends.referenced_columns)
    constraint = Constraint(
        name=change.name,
        kind="foreign",
        columns=change.columns,
        definition=definition,
        deferrable=change.deferrable,
        deferred=change.initially_deferred,
        referenced=ends.referenced.name,
        referenced_columns=others,
    )
    incoming = ForeignKey(
        name=change.name,
        table=ends.table.name,
        columns=change.columns,
        referenced_columns=others,
        definition=definition,
    )
    marked = constraint_preflight.in_work(ends.table, change.columns)
    catalog = catalog.with_table(replace(marked, constraints=(*marked.constraints, constraint)))
    referenced = catalog.table(ends.referenced.name) or ends.referenced
    referenced = constraint_preflight.in_work(referenced, others)
    keys = (*referenced.incoming_foreign_keys, incoming)
    return catalog.with_table(replace(referenced, incoming_foreign_keys=keys))
