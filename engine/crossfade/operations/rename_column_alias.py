"""`rename_column` by `strategy: alias`: a view with both names stands in for the table until contract.

    expand    in one short transaction the table steps aside under a name of ours, and a view under its name shows all
              columns and both names of the one
    contract  in one short transaction the view goes, the column is renamed and the table comes back

No row is touched and no trigger is made, but every statement of every version goes through the view meanwhile: what
does not work through one is a caution. Legacy writes cannot be told, since both names are the same column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import name_refusals, no_column
from crossfade.operations.impossible import too_many_columns
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.operations.tables import second_name
from crossfade.operations.tables.ownership import owner_refusals
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import family_of, other_runs, table_refusals
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.forecast.draft import MOST_COLUMNS
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import RenameColumn
    from crossfade.postgres.catalog import Catalog, Table


@dataclass(frozen=True, slots=True)
class _Alias:
    """The change against its catalog."""

    change: RenameColumn
    place: Place
    table: Table
    catalog: Catalog

    @property
    def aside(self) -> QualifiedName:
        """The table's name while the view has its own."""
        return QualifiedName(self.table.name.schema, self.place.name("aside"))

    def view(self) -> tuple[Statement, ...]:
        """Make the view: all columns in their order, and the new name behind them, so that `VALUES` still fit."""
        names = [sql.Identifier(column.name) for column in self.table.columns]
        both = sql.SQL("{} AS {}").format(sql.Identifier(self.change.from_), sql.Identifier(self.change.to))
        columns = sql.SQL(", ").join((*names, both))
        return second_name.create(
            self.table.name, self._with_rights_on_both(), self.aside, columns, self.catalog, self.place.mark
        )

    def _with_rights_on_both(self) -> Table:
        """Rights on the column are rights on either name; with a default of both an INSERT would set it twice."""
        column = self.table.column(self.change.from_)
        assert column is not None
        either = replace(column, default=None)
        columns = tuple(either if c.name == column.name else c for c in self.table.columns)
        return replace(self.table, columns=(*columns, replace(either, name=self.change.to)))

    def rename(self, source: QualifiedName, target: QualifiedName) -> Statement:
        """Give the table another name."""
        text = sql.SQL("ALTER TABLE {} RENAME TO {}").format(identifier(source), sql.Identifier(target.name))
        return Statement(text=render(text))

    def rename_column(self, source: str, target: str) -> Statement:
        """Give the column of the table that stands aside another name."""
        text = sql.SQL("ALTER TABLE {} RENAME COLUMN {} TO {}")
        names = (sql.Identifier(source), sql.Identifier(target))
        return Statement(text=render(text.format(identifier(self.aside), *names)))


def compile_change(change: RenameColumn, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one rename against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    if table.column(change.from_) is None:
        return Compiled(refusals=(no_column(table, change.from_),), catalog=catalog)
    alias = _Alias(change, place, table, catalog)
    return Compiled(
        steps=(_expand(alias), _hide(alias)),
        refusals=tuple(_refusals(alias)),
        cautions=tuple(_cautions(alias)),
        catalog=catalog.with_table(_afterwards(alias)),
    )


def _expand(alias: _Alias) -> Step:
    name, change = alias.table.name, alias.change
    return Step(
        id=alias.place.id("alias"),
        part=Part.EXPAND,
        title=f"let a view with both {change.from_} and {change.to} stand in for {name}",
        statements=(alias.rename(name, alias.aside), *alias.view()),
        undo=(second_name.drop(name), alias.rename(alias.aside, name)),
        done=second_name.is_view(name),
    )


def _hide(alias: _Alias) -> Step:
    name, change = alias.table.name, alias.change
    return Step(
        id=alias.place.id("rename"),
        part=Part.HIDE,
        title=f"drop the view, rename {change.from_} to {change.to}, and let {name} be the table again",
        statements=(
            second_name.drop(name),
            alias.rename_column(change.from_, change.to),
            alias.rename(alias.aside, name),
        ),
        undo=(
            alias.rename(name, alias.aside),
            alias.rename_column(change.to, change.from_),
            *alias.view(),
        ),
        done=second_name.is_table(name),
    )


def _refusals(alias: _Alias) -> Iterator[Refusal]:
    table, change = alias.table, alias.change
    family = family_of(table, alias.catalog)
    column = table.column(change.from_)
    assert column is not None
    yield from name_refusals(change.to, table, family)
    yield from owner_refusals(family)
    yield from other_runs(family, [change.from_])
    yield from second_name.refusals(table, alias.catalog)
    if len(table.columns) >= MOST_COLUMNS:
        yield too_many_columns(replace(table, attribute_count=0), 1)
    if column.inherited_count:
        yield Refusal(
            code="inherited_column",
            object=f"{table.name}.{column.name}",
            message="the column is inherited; PostgreSQL renames it only together with its parent's.",
            instead="Name the parent in the plan.",
        )
    if table.typed_of:
        yield Refusal(
            code="unsupported_table",
            object=str(table.name),
            message=f"it is a typed table of {table.typed_of}.",
            instead="Rename the type's attribute.",
        )
    if alias.catalog.logical_slots or table.publications:
        yield Refusal(
            code="alias_replicated",
            object=str(table.name),
            message="it is replicated logically, by the name that it has: as long as it stands aside a subscriber "
            "would be sent the rows of another table.",
            instead="Use `strategy: copy`.",
        )


def _cautions(alias: _Alias) -> Iterator[Caution]:
    table, change = alias.table, alias.change
    yield second_name.caution(table.name, table, alias.catalog)
    yield Caution(
        code="both_names",
        object=str(table.name),
        message=f"a statement that writes both {change.from_} and {change.to} fails, and `SELECT *` shows both; "
        "pg_get_serial_sequence finds no sequence. If any version of an app needs what a view cannot do, use "
        "`strategy: copy`.",
    )
    if table.partitions or table.children:
        yield Caution(
            code="names_of_members",
            object=str(table.name),
            message=f"a partition or child that is named directly has {change.from_} until contract and {change.to} "
            "from then on, never both.",
        )


def _afterwards(alias: _Alias) -> Table:
    change = alias.change
    return replace(
        alias.table,
        columns=tuple(
            replace(c, name=change.to, until_contract=change.from_, work="replaced") if c.name == change.from_ else c
            for c in alias.table.columns
        ),
        until_contract=alias.aside,
    )
