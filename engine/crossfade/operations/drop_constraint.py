"""`drop_constraint`: in contract, once no live version relies on it; in expand, where a new one writes what it refuses.

Its definition is kept. On the way back a CHECK or foreign key is added NOT VALID and then validated; the index of a
unique constraint or primary key is built concurrently before it is added. What the server makes in no such way comes
back in one statement: an exclusion, a key WITHOUT OVERLAPS, a partitioned table's key and, before PostgreSQL 18, its
foreign key. Rows that it would refuse are looked for before a run turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.constraints import constraint_preflight, unvalidated
from crossfade.operations.constraints.foreign_key_copy import FIRST_WITH_UNVALIDATED_ON_PARTITIONED, referring_to
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
    part = Part.EXPAND if change.when == "expand" else Part.HIDE
    refusals = tuple(_refusals(table, constraint, part, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    at = table if part is Part.HIDE else replace(table, name=table.staged)
    back = _back(table, constraint, catalog)
    return Compiled(
        steps=_steps(place, at, _named(constraint, part, catalog), part, back),
        cautions=(_caution(table, constraint, back),),
        catalog=_afterwards(catalog, table, constraint, part),
    )


def _refusals(table: Table, constraint: Constraint, part: Part, catalog: Catalog) -> Iterator[Refusal]:
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
    yield from constraint_preflight.needed(family, constraint)
    if constraint.kind in ("primary", "unique"):
        yield from _referenced(table, constraint, part)
        index = table.index(constraint.index or "")
        if (index is not None and index.replica_identity) or _tells_rows_apart(table, constraint):
            yield Refusal(
                code="replica_identity",
                object=name,
                message="it is by which logical replication tells the rows of the table apart: without it every UPDATE "
                "and DELETE fails.",
                instead=f"Give the table another one first: ALTER TABLE {table.name} REPLICA IDENTITY USING INDEX ….",
            )


def _referenced(table: Table, constraint: Constraint, part: Part) -> Iterator[Refusal]:
    for key in table.incoming_foreign_keys:
        is_gone = key.until_contract and part is Part.HIDE
        if not is_gone and sorted(key.referenced_columns) == sorted(constraint.columns):
            yield Refusal(
                code="referenced_by_foreign_key",
                object=f"constraint {key.name} on {key.table}",
                message=f"the foreign key refers to the columns of {constraint.name}.",
                instead="Drop the foreign key in an earlier change of the plan, and this one at contract; where an "
                "earlier change gives its table another name, in a plan before.",
            )


def _tells_rows_apart(table: Table, constraint: Constraint) -> bool:
    return constraint.kind == "primary" and table.replica_identity == "default" and bool(table.publications)


class _Back(Enum):
    """How it is added again."""

    ON_INDEX = auto()
    """On its index, which is built concurrently before."""
    VALIDATED = auto()
    """NOT VALID, and validated then."""
    AT_ONCE = auto()
    """In one statement."""


def _back(table: Table, constraint: Constraint, catalog: Catalog) -> _Back:
    is_partitioned = table.kind == "partitioned"
    index = table.index(constraint.index or "")
    if constraint.kind in ("primary", "unique") and not is_partitioned and index is not None and _is_plain(index):
        return _Back.ON_INDEX
    is_whole = is_partitioned and catalog.server_version < FIRST_WITH_UNVALIDATED_ON_PARTITIONED
    if constraint.index is not None or (constraint.kind == "foreign" and is_whole):
        return _Back.AT_ONCE
    return _Back.VALIDATED


def _is_plain(index: Index) -> bool:
    """Whether CREATE INDEX can make it unique; what holds up WITHOUT OVERLAPS is a gist index."""
    return index.method == "btree"


def _named(constraint: Constraint, part: Part, catalog: Catalog) -> Constraint:
    """A foreign key by the name that the other table has then, where the plan gives it another one."""
    referenced = None if constraint.referenced is None else catalog.table(constraint.referenced)
    if referenced is None or referenced.until_contract is None:
        return constraint
    name = referenced.name if part is Part.HIDE else referenced.staged
    return replace(constraint, definition=referring_to(constraint.definition, name))


def _caution(table: Table, constraint: Constraint, back: _Back) -> Caution:
    name = f"constraint {constraint.name} on {table.name}"
    if back is _Back.ON_INDEX:
        return Caution(
            code="undo_builds_index",
            object=name,
            message="the way back builds its index anew while everybody goes on, and fails where rows have the same "
            "values by then.",
        )
    if back is _Back.VALIDATED:
        return Caution(
            code="undo_validates",
            object=name,
            message="the way back adds it NOT VALID and validates it, which fails where rows violate it by then; it is "
            "in force for writes already, so repair the rows, and do it again.",
        )
    return Caution(
        code="undo_blocks",
        object=name,
        message="the way back builds its index anew while writes wait: PostgreSQL cannot do this one concurrently."
        if constraint.index is not None
        else "the way back reads all rows while writes wait: before PostgreSQL 18 a partitioned table takes no foreign "
        "key that is NOT VALID.",
    )


def _steps(place: Place, table: Table, constraint: Constraint, part: Part, back: _Back) -> tuple[Step, ...]:
    drop = _drop(place, table, constraint, part, back)
    if back is _Back.ON_INDEX:
        index = table.index(constraint.index or "")
        assert index is not None
        return drop, _index_back(place, table, index, part, _turn(table, constraint))
    if back is _Back.VALIDATED and constraint.validated and constraint.enforced:
        return _validated_back(place, table, constraint, part), drop
    return (drop,)


def _drop(place: Place, table: Table, constraint: Constraint, part: Part, back: _Back) -> Step:
    name = sql.Identifier(constraint.name)
    return Step(
        id=place.id("drop"),
        part=part,
        turn=_turn(table, constraint),
        title=f"drop constraint {constraint.name} of {table.name}",
        statements=(_alter(table, sql.SQL("DROP CONSTRAINT {}").format(name)),),
        undo=(
            _alter(table, sql.SQL("ADD CONSTRAINT {} {}").format(name, _again(constraint, back))),
            *unvalidated.comment_on(table, constraint.name, constraint.comment),
            *_index_settings(table, constraint),
        ),
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(unvalidated.exists(table, constraint.name)))),
    )


def _turn(table: Table, constraint: Constraint) -> Turn:
    return turn_of(table, constraint.columns, table.index(constraint.index or ""))


def _again(constraint: Constraint, back: _Back) -> sql.Composable:
    """The constraint as it was, without a look at the rows where that can be had."""
    if back is _Back.ON_INDEX:
        when = " DEFERRABLE" if constraint.deferrable else ""
        return sql.SQL("{} USING INDEX {}{}").format(
            sql.SQL("PRIMARY KEY" if constraint.kind == "primary" else "UNIQUE"),
            sql.Identifier(constraint.index or ""),
            sql.SQL(when + (" INITIALLY DEFERRED" if constraint.deferred else "")),
        )
    is_proved = back is _Back.VALIDATED and constraint.validated and constraint.enforced
    return sql.SQL("{}{}").format(
        sql.SQL(_repeatable(constraint.definition)), sql.SQL(" NOT VALID" if is_proved else "")
    )


def _repeatable(definition: str) -> str:
    """A constraint's definition that is read back as it was stored; it is no statement by itself."""
    head = "ALTER TABLE t ADD "
    return repeatable(head + definition).removeprefix(head)


def _index_settings(table: Table, constraint: Constraint) -> Iterator[Statement]:
    index = table.index(constraint.index or "")
    if index is None:
        return
    name = sql.Identifier(table.name.schema, index.name.name)
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
    name = sql.Identifier(table.name.schema, index.name.name)
    return Step(
        id=place.id("index"),
        part=part,
        turn=turn,
        title=f"nothing now; on the way back build {index.name.name} of {table.name} while everybody goes on",
        statements=(),
        transactional=False,
        undo=(index_build.drop_concurrently(name), index_build.again(index, concurrent=True, table=table.name)),
        done="SELECT true",
    )


def _alter(table: Table, action: sql.Composable) -> Statement:
    relation = sql.Identifier(table.name.schema, table.name.name)
    return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(relation, action)))


def _afterwards(catalog: Catalog, table: Table, constraint: Constraint, part: Part) -> Catalog:
    left = replace(
        table,
        constraints=tuple(c for c in table.constraints if c.name != constraint.name),
        indexes=tuple(i for i in table.indexes if i.constraint != constraint.name),
    )
    catalog = catalog.with_table(left)
    referenced = None if constraint.referenced is None else catalog.table(constraint.referenced)
    if referenced is None or (part is Part.HIDE and _turn(table, constraint) is not Turn.BEFORE):
        return catalog
    family = {member.name for member in family_of(table, catalog)}
    going = [k for k in referenced.incoming_foreign_keys if k.name == constraint.name and k.table in family]
    staying = [k for k in referenced.incoming_foreign_keys if k not in going]
    if part is Part.HIDE:
        staying += [replace(k, until_contract=True) for k in going]
    return catalog.with_table(replace(referenced, incoming_foreign_keys=tuple(staying)))
