"""A hidden column gives its NOT NULL up, and gets it back on the way back without anybody waiting for a scan.

While the old shape is hidden its columns only follow, and what cannot be converted back becomes NULL. A revert must
neither fail the writers nor read the table behind a lock that they wait for, so it goes in three steps, taken back in
the opposite order: a CHECK that holds for new writes, its validation, then NOT NULL, which that proves. One that was
NOT VALID, as from PostgreSQL 18 it may be, comes back at once, since no row was ever read for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.constraints import unvalidated
from crossfade.operations.step import InTheWay, Part, Step, Turn
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Column, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNullBack:
    """One column that is hidden."""

    place: Place
    table: Table
    column: Column
    hidden: str
    """Its name while it is hidden."""

    @property
    def check(self) -> str:
        """The name of the CHECK that proves it on the way back."""
        name = self.table.name
        return self.place.name("back", name.schema, name.name, self.column.name)

    @property
    def in_the_way(self) -> InTheWay:
        """What it is validated against."""
        return InTheWay(relation=str(self.table.name), columns=(self.hidden, self.column.name))

    def is_checked(self) -> str:
        """A query: is the CHECK there, so that there is something to take back?"""
        return unvalidated.exists(self.table, self.check)

    @property
    def is_proved(self) -> bool:
        """Whether rows were read for it, and have to be again."""
        return self.table.unproved_not_null(self.column.name) is None

    def alter(self, action: sql.Composable) -> Statement:
        """An ALTER TABLE of the table."""
        relation = sql.Identifier(self.table.name.schema, self.table.name.name)
        return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(relation, action)))


def as_it_was(table: Table, column: Column, name: str) -> sql.Composable:
    """The action that makes a column NOT NULL as `column` is; from PostgreSQL 18 it has a name, and may be NO INHERIT
    or NOT VALID."""
    if column.not_null_constraint is None:
        return sql.SQL("ALTER COLUMN {} SET NOT NULL").format(sql.Identifier(name))
    action = sql.SQL("ADD CONSTRAINT {} NOT NULL {}").format(
        sql.Identifier(column.not_null_constraint), sql.Identifier(name)
    )
    if is_alone(table, column):
        action += sql.SQL(" NO INHERIT")
    return action if table.unproved_not_null(column.name) is None else action + sql.SQL(" NOT VALID")


def is_alone(table: Table, column: Column) -> bool:
    """Whether its NOT NULL is NO INHERIT, as from PostgreSQL 18 it may be: children may have NULL."""
    return any(c.name == column.not_null_constraint and c.no_inherit for c in table.constraints)


def give_up(back: NotNullBack) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """What the step that hides the column does once it is hidden, and what takes it back before it is renamed."""
    hidden = sql.Identifier(back.hidden)
    if not back.is_proved:
        again = as_it_was(back.table, back.column, back.hidden)
        return (back.alter(sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(hidden)),), (back.alter(again),)
    again = sql.SQL("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID").format(sql.Identifier(back.check), hidden)
    return (
        (
            # Where a revert stood half done, and it goes forward again.
            back.alter(sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(sql.Identifier(back.check))),
            back.alter(sql.SQL("ALTER COLUMN {} DROP NOT NULL").format(hidden)),
        ),
        (back.alter(again), *unvalidated.comment_on(back.table, back.check, back.place.mark)),
    )


def steps(back: NotNullBack) -> tuple[Step, ...]:
    """Steps in front of the one that hides: they do nothing, and their undo makes the column NOT NULL again."""
    if not back.is_proved:
        return ()
    check = sql.Identifier(back.check)
    not_null = as_it_was(back.table, back.column, back.column.name)
    gone = back.alter(sql.SQL("DROP CONSTRAINT {}").format(check))
    title = f"nothing now; on the way back {{}} that {back.column.name} of {back.table.name} has no NULL"
    return (
        Step(
            id=back.place.id(f"back/{back.column.name}/not_null"),
            part=Part.HIDE,
            turn=Turn.BEFORE,
            title=title.format("say again"),
            statements=(),
            undo=(back.alter(not_null), gone),
            done=back.is_checked(),
        ),
        Step(
            id=back.place.id(f"back/{back.column.name}/validate"),
            part=Part.HIDE,
            turn=Turn.BEFORE,
            title=title.format("prove, while everybody goes on,"),
            statements=(),
            undo=(back.alter(sql.SQL("VALIDATE CONSTRAINT {}").format(check)),),
            done=back.is_checked(),
            in_the_way=(back.in_the_way,),
        ),
    )
