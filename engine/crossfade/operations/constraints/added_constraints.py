"""What constrains a column that is added: its CHECK, foreign key and UNIQUE, and the proof of its NOT NULL.

They have the names that PostgreSQL would choose for a plain ADD COLUMN.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.constraints import added_watches, unvalidated
from crossfade.operations.constraints.unvalidated import Unvalidated
from crossfade.operations.indexes import index_build
from crossfade.operations.indexes.index_build import IndexBuild
from crossfade.operations.step import Part, Step, Turn
from crossfade.operations.sync import watching
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.postgres.catalog import Constraint, Index, QualifiedName
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.columns.added_column import Added
    from crossfade.operations.sync.watching import Watched
    from crossfade.postgres.catalog import ConstraintKind, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """The steps that make them, and what the table has afterwards."""

    steps: tuple[Step, ...] = ()
    made: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    watched: tuple[Watched, ...] = ()
    """What a row can break until contract enforces it."""

    def __add__(self, other: Constraints) -> Constraints:
        """Both."""
        return Constraints(
            steps=(*self.steps, *other.steps),
            made=(*self.made, *other.made),
            indexes=(*self.indexes, *other.indexes),
            refusals=(*self.refusals, *other.refusals),
            watched=(*self.watched, *other.watched),
        )


def compiled(added: Added) -> Constraints:
    """All that constrains the column."""
    made = _proof(added) + _check(added) + _foreign_key(added) + _unique(added)
    begin = (watching.begin(w) for w in made.watched)
    end = (watching.end(w, added_watches.final_members(added, w)) for w in made.watched)
    return replace(made, steps=(*begin, *made.steps, *end))


def proof_name(added: Added) -> str:
    """The name of the CHECK that proves NOT NULL."""
    name = added.table.name
    return added.place.name("nn", name.schema, name.name, added.change.name)


def mark_proof(added: Added) -> Statement:
    """Whose that CHECK is."""
    (statement,) = unvalidated.comment_on(added.table, proof_name(added), added.place.mark)
    return statement


def _proof(added: Added) -> Constraints:
    if added.change.nullable or not added.is_filled:
        return Constraints()
    proof = Unvalidated(
        table=_as_found(added.table, added.proven_in),
        name=proof_name(added),
        definition=sql.SQL("CHECK ({} IS NOT NULL)").format(added.column),
        id="not_null",
        comment=added.place.mark,
        part=added.proven_in,
    )
    return Constraints(
        steps=_in_turn(unvalidated.steps(added.place, proof), added.turn_over(())),
        watched=(added_watches.of_not_null(added),) if added.proven_in is Part.HIDE else (),
    )


def _check(added: Added) -> Constraints:
    check = added.change.check
    if check is None:
        return Constraints()
    part = added.checked_in
    names = check.columns if part is Part.HIDE else tuple(_staged_names(added).get(c, c) for c in check.columns)
    over = check if part is Part.HIDE else check.over(_staged_names(added))
    name = chosen_name(added.table.name.name, names if len(names) == 1 else (), "check", _taken(added.table))
    constraint = Unvalidated(
        table=_as_found(added.table, part),
        name=name,
        definition=sql.SQL("CHECK ({})").format(sql.SQL(over.sql)),
        id="check",
        comment=None,
        part=part,
    )
    add, validate = unvalidated.steps(added.place, constraint)
    # Names in it mean what they mean to the users.
    add = replace(add, statements=(USERS_PATH, *add.statements, OUR_PATH))
    return Constraints(
        steps=_in_turn((add, validate), added.turn_over(check.columns)),
        made=(_made(name, "check", check.columns, sql.SQL("CHECK ({})").format(sql.SQL(check.sql))),),
        watched=(added_watches.of_check(added, name, check),) if part is Part.HIDE else (),
    )


def _foreign_key(added: Added) -> Constraints:
    references = added.change.references
    if references is None:
        return Constraints()
    other = added.catalog.resolve(references.table.schema, references.table.name)
    assert other is not None
    target = references.column or _only_key_column(other)
    if target is None:
        return Constraints(refusals=(_no_key(other),))
    part = added.constrained_in
    name = chosen_name(added.table.name.name, (added.change.name,), "fkey", _taken(added.table))
    constraint = Unvalidated(
        table=_as_found(added.table, part),
        name=name,
        definition=_references(added, other, target, part),
        id="references",
        comment=None,
        part=part,
    )
    refusals = (_partitioned(added, "a foreign key"),) if added.table.kind == "partitioned" else ()
    definition = _references(added, other, target)
    made = replace(
        _made(name, "foreign", (added.change.name,), definition),
        referenced=other.name,
        referenced_columns=(target,),
    )
    key = other.column(target)
    is_there = other.until_contract is None and (key is None or key.until_contract is None)
    return Constraints(
        steps=_in_turn(unvalidated.steps(added.place, constraint), added.turn_over(()) if is_there else Turn.AFTER),
        made=(made,),
        refusals=refusals,
        watched=(added_watches.of_references(added, name, other, key),) if key and part is Part.HIDE else (),
    )


def _references(added: Added, other: Table, target: str, part: Part = Part.HIDE) -> sql.Composable:
    """The foreign key's definition, by the names of this part."""
    references, column = added.change.references, other.column(target)
    assert references is not None
    at = _as_found(other, part).name
    found = target if part is Part.HIDE or column is None else column.staged
    key = sql.SQL("FOREIGN KEY ({}) REFERENCES {} ({})").format(
        added.column, sql.Identifier(at.schema, at.name), sql.Identifier(found)
    )
    actions = (
        sql.SQL("ON {} {}").format(sql.SQL(event), sql.SQL(action.upper()))
        for event, action in (("DELETE", references.on_delete), ("UPDATE", references.on_update))
        if action != "no action"
    )
    return sql.SQL(" ").join((key, *actions))


def _unique(added: Added) -> Constraints:
    if not added.change.unique:
        return Constraints()
    part = Part.HIDE if added.constrained_in is Part.HIDE and not added.is_volatile else Part.SEAL
    schema, column = added.table.name.schema, added.change.name
    in_schema = {r.name for r in added.catalog.relation_names if r.schema == schema}
    name = chosen_name(added.table.name.name, (column,), "key", {*_taken(added.table), *in_schema})
    build = _index(added, part, name)
    unique = sql.SQL("UNIQUE ({})").format(added.column)
    index = Index(
        name=QualifiedName(schema, name),
        definition=index_build.defined(build.definition, name=name),
        columns=(column,),
        references=frozenset({column}),
        unique=True,
        constraint=name,
    )
    return Constraints(
        steps=_in_turn(
            (*index_build.steps(added.place, (build,), part), _use(added, part, name, build)), added.turn_over(())
        ),
        made=(replace(_made(name, "unique", (column,), unique), index=name),),
        indexes=(index,),
        refusals=(_partitioned(added, "UNIQUE"),) if len(added.family) > 1 else (),
    )


def _index(added: Added, part: Part, name: str) -> IndexBuild:
    table = _as_found(added.table, part)
    built = QualifiedName(table.name.schema, added.place.name("key", str(added.table.name), added.change.name))
    definition = sql.SQL("CREATE UNIQUE INDEX {} ON {} ({})").format(
        sql.Identifier(built.name), sql.Identifier(table.name.schema, table.name.name), added.column
    )
    return IndexBuild(
        id="unique",
        name=built,
        definition=render(definition),
        partitioned=False,
        title=f"build the index under {name} of {added.table.name}, concurrently",
        comment=added.place.mark,
    )


def _use(added: Added, part: Part, name: str, build: IndexBuild) -> Step:
    use = sql.SQL("ADD CONSTRAINT {} UNIQUE USING INDEX {}").format(
        sql.Identifier(name), sql.Identifier(build.name.name)
    )
    no_comment = sql.SQL("COMMENT ON INDEX {} IS NULL").format(build.identifier)
    return Step(
        id=added.place.id("unique"),
        part=part,
        title=f"make {added.change.name} of {added.table.name} unique, by the index that was built",
        statements=(Statement(text=render(no_comment)), added.alter(part, use)),
        # The index goes with it; the step that built it builds it anew.
        undo=(added.alter(part, sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(sql.Identifier(name))),),
        done=unvalidated.exists(_as_found(added.table, part), name),
    )


def _in_turn(steps: tuple[Step, ...], turn: Turn) -> tuple[Step, ...]:
    """Those of contract come before what exchanges names, unless they need one that is exchanged."""
    return tuple(replace(s, turn=turn) if s.part is Part.HIDE else s for s in steps)


def _as_found(table: Table, part: Part) -> Table:
    """The table by the name that it has while steps of this part run."""
    return table if part is Part.HIDE else replace(table, name=table.staged)


def _staged_names(added: Added) -> dict[str, str]:
    return {c.name: c.staged for c in added.table.columns}


def _taken(table: Table) -> set[str]:
    return {*table.constraint_names}


def _made(name: str, kind: ConstraintKind, columns: tuple[str, ...], definition: sql.Composable) -> Constraint:
    return Constraint(name=name, kind=kind, columns=columns, definition=render(definition))


def _only_key_column(table: Table) -> str | None:
    keys = (c.columns for c in table.constraints if c.kind == "primary")
    return next((columns[0] for columns in keys if len(columns) == 1), None)


def _no_key(table: Table) -> Refusal:
    return Refusal(
        code="no_key",
        object=str(table.name),
        message="it has no primary key of one column that could be referenced.",
        instead="Name the column by `references.column`.",
    )


def _partitioned(added: Added, what: str) -> Refusal:
    return Refusal(
        code="unsupported_table",
        object=str(added.table.name),
        message=f"it has partitions or children, where {what} cannot come without a pause.",
        instead="Add the column without it, and then the constraint by a change of its own.",
    )
