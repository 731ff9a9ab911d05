"""A table as one version of an app sees it, and how the facts of a row stand in its columns.

A fact is a number with a name. A column holds one fact or several, by a template: `w{0} w{1}` holds two words. Two
shapes of a table share the facts, and each of them says where they stand, so what either version writes or reads can be
said without looking at SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from psycopg import sql

from crossfade.postgres.statement import render

FACTS = range(10, 28)
"""The values of a fact: two digits, a day of every month."""
Values = tuple[int | None, ...]


def quoted(name: str) -> str:
    """An identifier in SQL."""
    return render(sql.Identifier(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column, and the facts that it holds."""

    name: str
    type: str
    template: str
    facts: tuple[str, ...]
    offset: int = 0
    nullable: bool = True
    default: Values | None = None
    """The facts of its DEFAULT."""

    def text(self, values: Values) -> str | None:
        """What the column holds for these facts: all of them are None, or none is."""
        numbers = [v + self.offset for v in values if v is not None]
        return self.template.format(*numbers) if len(numbers) == len(self.facts) else None

    def literal(self, values: Values) -> str:
        """The same in SQL."""
        return render(sql.Literal(self.text(values)))

    @property
    def definition(self) -> str:
        """The column in a CREATE TABLE."""
        default = "" if self.default is None else f" DEFAULT {self.literal(self.default)}"
        return f"{quoted(self.name)} {self.type}{'' if self.nullable else ' NOT NULL'}{default}"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view on top: its columns, each with that of the table, and the one that it looks at in its condition."""

    name: str
    columns: tuple[tuple[str, str], ...]
    condition: str

    def renamed(self, old: str, new: str) -> View:
        """The view of a table whose column has another name."""
        columns = tuple((alias, new if name == old else name) for alias, name in self.columns)
        return replace(self, columns=columns, condition=new if self.condition == old else self.condition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table with an integer for its key."""

    table: str
    key: str
    columns: tuple[Column, ...]
    partitioned: bool = False
    """By ranges of its key."""
    view: View | None = None
    checks: tuple[str, ...] = ()
    """Names of constraints that a change may drop or rename; the columns they are over stay."""
    indexes: tuple[str, ...] = ()
    """The same for indexes."""
    worked_on: frozenset[str] = frozenset()
    """Columns on which a change of the plan works already, by the names that they have now."""

    @property
    def relation(self) -> str:
        """The table in SQL."""
        return quoted(self.table)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(c for c in self.columns if c.name == name)

    def with_columns(self, gone: tuple[str, ...], *made: Column) -> Shape:
        """Without some of the columns and with others."""
        kept = tuple(c for c in self.columns if c.name not in gone)
        return replace(
            self, columns=(*kept, *made), worked_on=(self.worked_on - {*gone}) | {column.name for column in made}
        )

    def in_view(self, name: str) -> bool:
        """Whether the view depends on the column."""
        return self.view is not None and name in (self.view.condition, *(of for _, of in self.view.columns))

    def create_view(self) -> str:
        """The view's definition over the table as it is."""
        if self.view is None:
            return ""
        columns = ", ".join(f"{quoted(of)} AS {quoted(alias)}" for alias, of in self.view.columns)
        condition = f"{quoted(self.view.condition)} IS NOT NULL"
        return f"CREATE VIEW {quoted(self.view.name)} AS SELECT {columns} FROM {self.relation} WHERE {condition};"

    def drop_view(self) -> str:
        """Out of the way of plain DDL."""
        return "" if self.view is None else f"DROP VIEW {quoted(self.view.name)};"

    def read(self) -> str:
        """Every row: the key, and each column as text."""
        columns = ", ".join(f"{quoted(c.name)}::text" for c in self.columns)
        return f"SELECT {quoted(self.key)}::int{', ' if columns else ''}{columns} FROM {self.relation}"
