"""A table that is there already and gets another's columns: how the two refer to each other, and what is added.

Columns come with type, collation, storage, comment, default and NOT NULL; CHECKs and foreign keys over no other column
come once all rows are there, NOT VALID and then validated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from psycopg import sql

from crossfade.operations.constraints import unvalidated
from crossfade.operations.constraints.unvalidated import Unvalidated
from crossfade.operations.step import Part, Step
from crossfade.operations.sync import two_homes
from crossfade.operations.sync.two_homes import Key, TwoHomes
from crossfade.operations.tables import moved_columns, second_home
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.twins.exchange import alter_table, analyze, column_exists, drop_column
from crossfade.postgres.forecast.chosen_names import chosen_name

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Constraint, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherHome:
    """The table that the columns come from, and the one that gets them."""

    place: Place
    old: Table
    new: Table
    key: Mapping[str, str]
    """Columns of the old table and what they are called in the new one."""
    columns: Mapping[str, str]
    """The same of those that move."""

    @property
    def reference(self) -> Constraint | None:
        """The foreign key over the key, by which every row of one table has one in the other."""
        there = dict(zip(self.key.values(), self.key, strict=True))
        return _reference(self.new, self.old, there) or _reference(self.old, self.new, self.key)

    @property
    def main(self) -> Literal["old", "new"]:
        """The table that the foreign key leads to."""
        return "old" if self.reference in self.new.constraints else "new"

    def homes(self, *, leaves: bool) -> TwoHomes:
        """The two for the triggers; `leaves`: the old table goes as a whole, and new versions do not know it."""
        main, side = (self.old, self.new) if self.main == "old" else (self.new, self.old)
        return TwoHomes(
            plan=self.place.plan,
            name=self.place.name("home"),
            main=main.name,
            side=side.name,
            old="main" if self.main == "old" else "side",
            key=tuple(
                Key(main=m, side=s, type=moved_columns.column(self.old, o).type) for o, m, s in self._sides(self.key)
            ),
            pairs=tuple(
                moved_columns.pair(moved_columns.column(self.old, o), m, s) for o, m, s in self._sides(self.columns)
            ),
            room=not leaves,
            cleared=leaves and self.reference is not None and "ON DELETE CASCADE" not in self.reference.definition,
        )

    def _sides(self, names: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        """Each name in the old table, in the main one, and in the side one."""
        for old, new in names.items():
            yield (old, old, new) if self.main == "old" else (old, new, old)

    def carried(self) -> Iterator[Unvalidated]:
        """The constraints that come along."""
        taken = {*self.new.constraint_names}
        for found in self._carried_from():
            over = [self.columns[c] for c in found.columns]
            name = found.name
            if found.kind == "foreign" or name in taken:
                name = chosen_name(self.new.name.name, over, "check" if found.kind == "check" else "fkey", taken)
            taken.add(name)
            yield Unvalidated(
                table=self.new,
                name=name,
                definition=sql.SQL(second_home.over(found.definition, self.columns)),
                id=f"constraint/{name}",
                comment=found.comment,
            )

    def afterwards(self) -> Table:
        """The new table as it is from contract on."""
        number = max((c.number for c in self.new.columns), default=0)
        columns = [
            replace(moved_columns.column(self.old, old), name=new, number=number + n)
            for n, (old, new) in enumerate(self.columns.items(), 1)
        ]
        added = {c.name: c for c in self.carried()}
        constraints = [
            replace(found, name=made.name, columns=tuple(self.columns[c] for c in found.columns))
            for found, made in zip(self._carried_from(), added.values(), strict=True)
        ]
        return replace(
            self.new,
            columns=(*self.new.columns, *columns),
            constraints=(*self.new.constraints, *constraints),
        )

    def _carried_from(self) -> tuple[Constraint, ...]:
        return tuple(
            c
            for c in self.old.constraints
            if c.kind in ("check", "foreign") and c.columns and {*c.columns} <= {*self.columns}
        )


def _reference(side: Table, main: Table, key: Mapping[str, str]) -> Constraint | None:
    """The side table's foreign key to the main one over exactly these columns."""
    return next(
        (
            c
            for c in side.constraints
            if c.kind == "foreign"
            and c.referenced == main.name
            and dict(zip(c.columns, c.referenced_columns, strict=True)) == {**key}
        ),
        None,
    )


def before_contract(home: OtherHome, homes: TwoHomes) -> Iterator[Step]:
    """The columns and the triggers; what comes along once all rows are there; statistics."""
    yield _expand(home, homes)
    if homes.leaves_rows:
        yield from _rows_back(home, homes)
    for found in home.carried():
        yield from unvalidated.steps(home.place, found)
    yield analyze(home.place, home.new, tuple(home.columns.values()))


def _expand(home: OtherHome, homes: TwoHomes) -> Step:
    """The columns, and the triggers on both tables."""
    moved = ", ".join(home.columns)
    relation = identifier(home.new.name)
    columns = [(new, moved_columns.column(home.old, old)) for old, new in home.columns.items()]
    added = (sql.SQL("ADD COLUMN {}").format(second_home.declared(name, column)) for name, column in columns)
    return Step(
        id=home.place.id("columns"),
        part=Part.EXPAND,
        title=f"add {moved} of {home.old.name} to {home.new.name}, kept in step by triggers on both",
        statements=(
            alter_table(home.new, sql.SQL(", ").join(added)),
            *(s for name, column in columns for s in second_home.attributes(relation, name, column)),
            *two_homes.create(homes),
        ),
        undo=(
            *two_homes.let_go(homes),
            *two_homes.settle(homes),
            *((two_homes.take_back(homes),) if homes.leaves_rows else ()),
            *two_homes.drop(homes),
            *(drop_column(home.new, name) for name, _ in columns),
        ),
        done=column_exists(home.new, columns[0][0]),
    )


def _rows_back(home: OtherHome, homes: TwoHomes) -> Iterator[Step]:
    """A rollback leaves no row that was only made for its values, and takes them back without keeping anybody out."""
    yield Step(
        id=home.place.id("back/rows"),
        part=Part.EXPAND,
        title=f"nothing now; on the way back delete the rows of {home.new.name} that were only made for this",
        statements=(),
        undo=(two_homes.take_back(homes),),
        done="SELECT true",
    )
    yield Step(
        id=home.place.id("back/triggers"),
        part=Part.EXPAND,
        title="nothing now; on the way back the two tables part",
        statements=(),
        undo=(*two_homes.let_go_of_writes(homes), *two_homes.settle(homes)),
        done="SELECT true",
    )
