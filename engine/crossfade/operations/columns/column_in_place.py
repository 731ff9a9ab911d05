"""A column that is altered where it is, and how its settings come back: shared by the kinds that only set something.

A setting goes down from a table to its partitions and children, where each may have had one of its own; on the way
back every table gets its own again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import right_refusals
from crossfade.operations.step import Part, Turn
from crossfade.operations.tables.table_preflight import family_of, other_runs
from crossfade.operations.twins import exchange_preflight
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Catalog, Column, QualifiedName, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlace:
    """A column of a table that is altered where it is."""

    place: Place
    table: Table
    column: Column
    catalog: Catalog

    @property
    def family(self) -> tuple[Table, ...]:
        """The table with its partitions and children."""
        return family_of(self.table, self.catalog)

    @property
    def set_in(self) -> tuple[Part, Turn]:
        """When a setting comes: once the column that an earlier change of the plan makes has its place."""
        return (Part.HIDE, Turn.AFTER) if self.column.work == "replaced" else (Part.EXPAND, Turn.AMONG)

    @property
    def default_set_in(self) -> tuple[Part, Turn]:
        """The same for a default: behind the one that an earlier change gives the column when its rows are filled."""
        return (Part.HIDE, Turn.LAST) if self.column.work == "filled" else self.set_in

    @property
    def shown(self) -> str:
        """The column, for people."""
        return f"{self.table.name}.{self.column.name}"

    def name_in(self, part: Part) -> sql.Identifier:
        """The column's name while steps of this part run."""
        return sql.Identifier(self.column.name if part.phase is part.HIDE.phase else self.column.staged)

    def alter(self, part: Part, action: sql.Composable) -> Statement:
        """ALTER TABLE with an action, by the table's name while steps of this part run."""
        name = self.table.name if part.phase is part.HIDE.phase else self.table.staged
        return _alter(sql.SQL(""), name, action)

    def alter_column(self, part: Part, action: sql.Composable) -> Statement:
        """ALTER TABLE … ALTER COLUMN with an action."""
        return self.alter(part, sql.SQL("ALTER COLUMN {} {}").format(self.name_in(part), action))

    def each_back(self, part: Part, action: Callable[[Column], sql.Composable]) -> Iterator[Statement]:
        """For every table of the family the action that gives its column back what it had."""
        for member in self.family:
            own = member.column(self.column.name)
            if own is not None:
                name = member.name if part.phase is part.HIDE.phase else member.staged
                back = sql.SQL("ALTER COLUMN {} {}").format(self.name_in(part), action(own))
                yield _alter(sql.SQL("ONLY "), name, back)

    def done(self, part: Part, condition: str) -> str:
        """A query for one boolean about the column's row `a` of `pg_attribute`; the condition is ours."""
        name = self.table.name if part.phase is part.HIDE.phase else self.table.staged
        column = self.column.name if part.phase is part.HIDE.phase else self.column.staged
        return attribute_is(name, column, condition)

    def changed(self, **values: Any) -> Catalog:
        """The catalog with the column changed, in the whole family."""
        catalog = self.catalog
        for member in self.family:
            columns = tuple(replace(c, **values) if c.name == self.column.name else c for c in member.columns)
            catalog = catalog.with_table(replace(member, columns=columns))
        return catalog


def find(name: TableName, column: str, place: Place, catalog: Catalog) -> InPlace | tuple[Refusal, ...]:
    """The column, or why it cannot be altered at all."""
    target = find_to_set(name, column, place, catalog)
    if isinstance(target, tuple) or target.column.work is None:
        return target
    return tuple(other_runs(target.family, [column]))


def find_to_set(name: TableName, column: str, place: Place, catalog: Catalog) -> InPlace | tuple[Refusal, ...]:
    """The same for what is only set, which earlier changes of the plan do not stand in the way of."""
    found = exchange_preflight.find(name, column, catalog)
    if isinstance(found, tuple):
        return found
    target = InPlace(place=place, table=found.table, column=found.column, catalog=catalog)
    others = () if found.column.work is not None else other_runs(target.family, [column])
    return (*others, *ownership_refusals(target.family)) or target


def ownership_refusals(family: tuple[Table, ...]) -> Iterator[Refusal]:
    """Tables that only their owner can alter; nothing is created in their schema."""
    yield from (r for r in right_refusals(family) if r.code == "not_owner")


def attribute_is(table: QualifiedName, column: str, condition: str) -> str:
    """A query: is there such a column, and is that so of its row `a` of `pg_attribute`? The condition is ours."""
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE attrelid = pg_catalog.to_regclass({}) "
            "AND attname = {} AND NOT attisdropped AND {})"
        ).format(sql.Literal(render(sql.Identifier(table.schema, table.name))), sql.Literal(column), sql.SQL(condition))
    )


def _alter(only: sql.SQL, table: QualifiedName, action: sql.Composable) -> Statement:
    name = sql.Identifier(table.schema, table.name)
    return Statement(text=render(sql.SQL("ALTER TABLE {}{} {}").format(only, name, action)))


def storage_back(family: tuple[Table, ...], name: str) -> Iterator[Statement]:
    """For every table of the family how the column was stored, which ALTER … TYPE makes the type's own way."""
    for member in family:
        column = member.column(name)
        if column is None:
            continue
        alter = sql.SQL("ALTER COLUMN {} SET {} {}")
        if not column.storage_is_default:
            way = sql.SQL(column.storage.upper())
            yield _alter(sql.SQL("ONLY "), member.name, alter.format(sql.Identifier(name), sql.SQL("STORAGE"), way))
        if column.compression is not None:
            way = sql.SQL(column.compression)
            yield _alter(sql.SQL("ONLY "), member.name, alter.format(sql.Identifier(name), sql.SQL("COMPRESSION"), way))


def moving_sources(table: Table, columns: tuple[str, ...]) -> Iterator[Refusal]:
    """Columns that a trigger would read, and that an earlier change of the plan gives another name at contract."""
    for name in columns:
        column = table.column(name)
        if column is not None and column.until_contract is not None:
            yield Refusal(
                code="in_another_run",
                object=f"{table.name}.{name}",
                message="an earlier change of this plan works on it, so that a trigger could not go on reading it.",
                instead="Put the two changes into two plans.",
            )
