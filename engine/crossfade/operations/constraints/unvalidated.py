"""Constraints that come without a pause: added NOT VALID in a moment, validated while everybody goes on.

Between the two steps the constraint holds for every write already; validation reads the table under a lock that only
other schema changes wait for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import Part, Step
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Unvalidated:
    """A constraint that is to be added NOT VALID."""

    table: Table
    name: str
    definition: sql.Composable
    """`CHECK (…)`, `FOREIGN KEY (…) REFERENCES …`; without NOT VALID."""
    id: str
    """What its steps' ids begin with; unique within the change."""
    comment: str | None
    """The mark of our own while it has a name of ours; else the user's."""
    part: Part = Part.SEAL

    @property
    def relation(self) -> sql.Identifier:
        """The table, for SQL."""
        return sql.Identifier(self.table.name.schema, self.table.name.name)

    def alter(self, action: sql.Composable) -> Statement:
        """An ALTER TABLE of its table."""
        return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(self.relation, action)))


def steps(place: Place, constraint: Unvalidated) -> tuple[Step, Step]:
    """Both steps; what the first undoes takes the second's effect with it."""
    return add(place, constraint), validate(place, constraint)


def add(place: Place, constraint: Unvalidated) -> Step:
    """It holds for every write from now on; rows that are there are not looked at."""
    name = sql.Identifier(constraint.name)
    statements = [
        constraint.alter(sql.SQL("ADD CONSTRAINT {} {} NOT VALID").format(name, constraint.definition)),
        *comment_on(constraint.table, constraint.name, constraint.comment),
    ]
    return Step(
        id=place.id(f"{constraint.id}/add"),
        part=constraint.part,
        title=f"add constraint {constraint.name} to {constraint.table.name}, not yet for the rows that are there",
        statements=tuple(statements),
        undo=(constraint.alter(sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(name)),),
        done=exists(constraint.table, constraint.name),
    )


def comment_on(table: Table, name: str, comment: str | None) -> tuple[Statement, ...]:
    """The comment of a constraint, where there is one."""
    if comment is None:
        return ()
    text = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
        sql.Identifier(name), sql.Identifier(table.name.schema, table.name.name), sql.Literal(comment)
    )
    return (Statement(text=render(text)),)


def validate(place: Place, constraint: Unvalidated) -> Step:
    """It is known to hold for every row."""
    name = sql.Identifier(constraint.name)
    return Step(
        id=place.id(f"{constraint.id}/validate"),
        part=constraint.part,
        title=f"validate constraint {constraint.name} of {constraint.table.name} while everybody goes on",
        statements=(constraint.alter(sql.SQL("VALIDATE CONSTRAINT {}").format(name)),),
        done=holds(constraint.table, constraint.name),
    )


_FOUND = sql.SQL(
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint "
    "WHERE conrelid = pg_catalog.to_regclass({}) AND conname = {}{})"
)


def exists(table: Table, name: str) -> str:
    """A query: has the table this constraint?"""
    return _found(table, name, sql.SQL(""))


def holds(table: Table, name: str) -> str:
    """A query: has the table this constraint, and is it known to hold for every row?"""
    return _found(table, name, sql.SQL(" AND convalidated"))


def _found(table: Table, name: str, condition: sql.SQL) -> str:
    relation = sql.Literal(render(sql.Identifier(table.name.schema, table.name.name)))
    return render(_FOUND.format(relation, sql.Literal(name), condition))


def rename(table: Table, source: str, target: str) -> Statement:
    """Give a constraint another name; an index under it gets the same."""
    return Statement(
        text=render(
            sql.SQL("ALTER TABLE {} RENAME CONSTRAINT {} TO {}").format(
                sql.Identifier(table.name.schema, table.name.name), sql.Identifier(source), sql.Identifier(target)
            )
        )
    )
