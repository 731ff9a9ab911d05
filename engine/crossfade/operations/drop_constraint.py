"""`drop_constraint`: in contract, once no live version relies on it; in expand, where a new one writes what it refuses.

Its definition is kept. On the way back a CHECK or foreign key is added NOT VALID and then validated, which fails where
rows violate it by now; the index of a unique constraint or primary key is built concurrently before it is added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.constraints import constraint_preflight, unvalidated
from crossfade.operations.indexes import index_build
from crossfade.operations.step import Caution, Compiled, Part, Step, Turn
from crossfade.operations.tables.table_preflight import family_of, other_runs
from crossfade.operations.tables.turn import turn_of
from crossfade.operations.views.deparsed import repeatable
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import DropConstraint
    from crossfade.postgres.catalog import Catalog, Constraint, Index, Table


def compile_change(change: DropConstraint, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one constraint that goes; refusals instead where it cannot."""
    table = constraint_preflight.find(change.table, catalog)
    if isinstance(table, tuple):
        return Compiled(refusals=table, catalog=catalog)
    constraint = constraint_preflight.existing(table, change.name)
    if isinstance(constraint, Refusal):
        return Compiled(refusals=(constraint,), catalog=catalog)
    refusals = tuple(_refusals(table, constraint, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    part = Part.EXPAND if change.when == "expand" else Part.HIDE
    at = table if part is Part.HIDE else replace(table, name=table.staged)
    return Compiled(
        steps=_steps(place, at, constraint, part),
        cautions=tuple(_cautions(table, constraint)),
        catalog=catalog.with_table(_afterwards(table, constraint)),
    )


def _refusals(table: Table, constraint: Constraint, catalog: Catalog) -> Iterator[Refusal]:
    family = family_of(table, catalog)
    name = f"constraint {constraint.name} on {table.name}"
    yield from constraint_preflight.owned(family)
    yield from other_runs(family, constraint.columns)
    if constraint.kind == "not_null":
        yield Refusal(
            code="not_null_constraint",
            object=name,
            message="it is the NOT NULL of a column.",
            instead=f"Use drop_not_null with column {', '.join(constraint.columns)}.",
        )
    if constraint.kind in ("primary", "unique"):
        yield from _referenced(table, constraint)
        index = table.index(constraint.index or "")
        if (index is not None and index.replica_identity) or _tells_rows_apart(table, constraint):
            yield Refusal(
                code="replica_identity",
                object=name,
                message="it is by which logical replication tells the rows of the table apart: without it every UPDATE "
                "and DELETE fails.",
                instead=f"Give the table another one first: ALTER TABLE {table.name} REPLICA IDENTITY USING INDEX ….",
            )


def _referenced(table: Table, constraint: Constraint) -> Iterator[Refusal]:
    for key in table.incoming_foreign_keys:
        if sorted(key.referenced_columns) == sorted(constraint.columns):
            yield Refusal(
                code="referenced_by_foreign_key",
                object=f"constraint {key.name} on {key.table}",
                message=f"the foreign key refers to the columns of {constraint.name}.",
                instead="Drop the foreign key first, in an earlier change of the plan.",
            )


def _tells_rows_apart(table: Table, constraint: Constraint) -> bool:
    return constraint.kind == "primary" and table.replica_identity == "default" and bool(table.publications)


def _cautions(table: Table, constraint: Constraint) -> Iterator[Caution]:
    name = f"constraint {constraint.name} on {table.name}"
    if _is_built_anew(table, constraint):
        yield Caution(
            code="undo_builds_index",
            object=name,
            message="the way back builds its index anew while everybody goes on, and fails where rows have the same "
            "values by then.",
        )
    elif constraint.index is not None:
        yield Caution(
            code="undo_blocks",
            object=name,
            message="the way back builds its index anew while writes wait: PostgreSQL cannot do this one concurrently.",
        )
    else:
        yield Caution(
            code="undo_validates",
            object=name,
            message="the way back adds it NOT VALID and validates it, which fails where rows violate it by then; it is "
            "in force for writes already, so repair the rows, and do it again.",
        )


def _is_built_anew(table: Table, constraint: Constraint) -> bool:
    return constraint.kind in ("primary", "unique") and table.kind != "partitioned"


def _steps(place: Place, table: Table, constraint: Constraint, part: Part) -> tuple[Step, ...]:
    if _is_built_anew(table, constraint):
        index = table.index(constraint.index or "")
        assert index is not None
        return _drop(place, table, constraint, part), _index_back(place, table, index, part, _turn(table, constraint))
    drop = _drop(place, table, constraint, part)
    if constraint.index is None and constraint.validated and constraint.enforced:
        return _validated_back(place, table, constraint, part), drop
    return (drop,)


def _drop(place: Place, table: Table, constraint: Constraint, part: Part) -> Step:
    name = sql.Identifier(constraint.name)
    return Step(
        id=place.id("drop"),
        part=part,
        turn=_turn(table, constraint),
        title=f"drop constraint {constraint.name} of {table.name}",
        statements=(_alter(table, sql.SQL("DROP CONSTRAINT {}").format(name)),),
        undo=(
            _alter(table, sql.SQL("ADD CONSTRAINT {} {}").format(name, _again(table, constraint))),
            *unvalidated.comment_on(table, constraint.name, constraint.comment),
            *_index_settings(table, constraint),
        ),
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(unvalidated.exists(table, constraint.name)))),
    )


def _turn(table: Table, constraint: Constraint) -> Turn:
    return turn_of(table, constraint.columns, table.index(constraint.index or ""))


def _again(table: Table, constraint: Constraint) -> sql.Composable:
    """The constraint as it was, without a look at the rows where that can be had."""
    if _is_built_anew(table, constraint):
        when = " DEFERRABLE" if constraint.deferrable else ""
        return sql.SQL("{} USING INDEX {}{}").format(
            sql.SQL("PRIMARY KEY" if constraint.kind == "primary" else "UNIQUE"),
            sql.Identifier(constraint.index or ""),
            sql.SQL(when + (" INITIALLY DEFERRED" if constraint.deferred else "")),
        )
    unvalidated = constraint.index is None and constraint.validated and constraint.enforced
    return sql.SQL("{}{}").format(
        sql.SQL(_repeatable(constraint.definition)), sql.SQL(" NOT VALID" if unvalidated else "")
    )


def _repeatable(definition: str) -> str:
    """A constraint's definition that is read back as it was stored; it is no statement by itself."""
    head = "ALTER TABLE t ADD "
    return repeatable(head + definition).removeprefix(head)


def _index_settings(table: Table, constraint: Constraint) -> Iterator[Statement]:
    index = table.index(constraint.index or "")
    if index is None:
        return
    name = sql.Identifier(index.name.schema, index.name.name)
    if index.comment is not None:
        text = sql.SQL("COMMENT ON INDEX {} IS {}").format(name, sql.Literal(index.comment))
        yield Statement(text=render(text))
    if index.clustered:
        yield _alter(table, sql.SQL("CLUSTER ON {}").format(sql.Identifier(index.name.name)))


def _validated_back(place: Place, table: Table, constraint: Constraint, part: Part) -> Step:
    """Undone after the constraint is there again."""
    return Step(
        id=place.id("validated"),
        part=part,
        turn=_turn(table, constraint),
        title=f"nothing now; on the way back validate {constraint.name} of {table.name} while everybody goes on",
        statements=(),
        undo=(_alter(table, sql.SQL("VALIDATE CONSTRAINT {}").format(sql.Identifier(constraint.name))),),
        done="SELECT true",
    )


def _index_back(place: Place, table: Table, index: Index, part: Part, turn: Turn) -> Step:
    """Undone before the constraint comes back to stand on it."""
    name = sql.Identifier(index.name.schema, index.name.name)
    return Step(
        id=place.id("index"),
        part=part,
        turn=turn,
        title=f"nothing now; on the way back build {index.name.name} of {table.name} while everybody goes on",
        statements=(),
        transactional=False,
        undo=(index_build.drop_concurrently(name), index_build.again(index, concurrent=True)),
        done="SELECT true",
    )


def _alter(table: Table, action: sql.Composable) -> Statement:
    relation = sql.Identifier(table.name.schema, table.name.name)
    return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(relation, action)))


def _afterwards(table: Table, constraint: Constraint) -> Table:
    return replace(
        table,
        constraints=tuple(c for c in table.constraints if c.name != constraint.name),
        indexes=tuple(i for i in table.indexes if i.constraint != constraint.name),
    )
