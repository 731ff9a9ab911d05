"""The two ends of a new foreign key, and what stands in the way of it: pure functions over the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import no_column
from crossfade.operations.constraints import constraint_preflight
from crossfade.operations.constraints.foreign_key_copy import FIRST_WITH_UNVALIDATED_ON_PARTITIONED
from crossfade.operations.tables.table_preflight import family_of

if TYPE_CHECKING:
    from crossfade.plan.changes import AddForeignKey
    from crossfade.postgres.catalog import Catalog, Column, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Who refers, and to what."""

    table: Table
    columns: tuple[Column, ...]
    referenced: Table
    referenced_columns: tuple[Column, ...]

    @property
    def until_contract(self) -> Ends:
        """The same by the names of until then."""
        return Ends(
            table=replace(self.table, name=self.table.staged),
            columns=tuple(replace(c, name=c.staged) for c in self.columns),
            referenced=replace(self.referenced, name=self.referenced.staged),
            referenced_columns=tuple(replace(c, name=c.staged) for c in self.referenced_columns),
        )


def find(change: AddForeignKey, catalog: Catalog) -> Ends | tuple[Refusal, ...]:
    """Both ends, or why there are none."""
    table = constraint_preflight.find(change.table, catalog)
    referenced = constraint_preflight.find(change.references.table, catalog)
    if isinstance(table, tuple) or isinstance(referenced, tuple):
        return tuple(r for found in (table, referenced) if isinstance(found, tuple) for r in found)
    names = change.references.columns or primary_key(referenced)
    if not names:
        return (_no_key(referenced, "it has no primary key"),)
    if len(names) != len(change.columns):
        return (_no_key(referenced, f"its primary key ({', '.join(names)}) has another number of columns"),)
    missing = [
        no_column(t, n)
        for t, wanted in ((table, change.columns), (referenced, names))
        for n in wanted
        if t.column(n) is None
    ]
    if missing:
        return tuple(missing)
    return Ends(
        table=table,
        columns=tuple(c for n in change.columns if (c := table.column(n))),
        referenced=referenced,
        referenced_columns=tuple(c for n in names if (c := referenced.column(n))),
    )


def primary_key(table: Table) -> tuple[str, ...]:
    """The columns of a table's primary key; none where it has none."""
    return next((c.columns for c in table.constraints if c.kind == "primary"), ())


def _no_key(referenced: Table, why: str) -> Refusal:
    return Refusal(
        code="no_referenced_key",
        object=str(referenced.name),
        message=f"a foreign key needs a primary key, or a unique constraint or index, to refer to: {why}.",
        instead="Name its columns in `references`, or add what is missing first, with add_unique.",
    )


def refusals(change: AddForeignKey, ends: Ends, catalog: Catalog) -> Iterator[Refusal]:
    """Why it cannot be added."""
    table, referenced = ends.table, ends.referenced
    # Inheritance children do not get it.
    bearers = family_of(table, catalog) if table.kind == "partitioned" else (table,)
    yield from constraint_preflight.new_constraint(table, change.name, change.columns, catalog, bearers)
    yield from constraint_preflight.owned((referenced,))
    yield from constraint_preflight.fix_refusals(table, change.kind, change.fix, catalog)
    yield from _about_fix(change, table)
    names = [c.name for c in ends.referenced_columns]
    if not _is_key(referenced, names):
        yield _no_key(
            referenced, f"{', '.join(names)} are no key of it" if names[1:] else f"{names[0]} is no key of it"
        )
    if table.persistence == "permanent" and referenced.persistence == "unlogged":
        yield Refusal(
            code="references_unlogged",
            object=str(referenced.name),
            message=f"it is unlogged, and {table.name} is not: a crash would take away what rows refer to.",
            instead="Make it logged first: ALTER TABLE … SET LOGGED.",
        )
    if table.kind == "partitioned" and catalog.server_version < FIRST_WITH_UNVALIDATED_ON_PARTITIONED:
        yield Refusal(
            code="foreign_key_on_partitioned",
            object=f"constraint {change.name} on {table.name}",
            message="before PostgreSQL 18 a foreign key of a partitioned table cannot be added without reading all "
            "rows while writes wait.",
            instead="Add it to each partition.",
        )


def of_columns(referenced: Table, names: tuple[str, ...] | None, width: int) -> Iterator[Refusal]:
    """Why so many columns cannot refer to these of another table, or to its primary key if None is given."""
    wanted = primary_key(referenced) if names is None else names
    missing = [no_column(referenced, name) for name in wanted if referenced.column(name) is None]
    yield from missing
    if not wanted:
        yield _no_key(referenced, "it has no primary key")
    elif len(wanted) != width:
        yield _no_key(referenced, f"{', '.join(wanted)} is another number of columns")
    elif not missing and not _is_key(referenced, list(wanted)):
        yield _no_key(referenced, f"{', '.join(wanted)} {'are' if wanted[1:] else 'is'} no key of it")


def _about_fix(change: AddForeignKey, table: Table) -> Iterator[Refusal]:
    used = (name for expression in change.fix.values() for name in expression.columns)
    for name in dict.fromkeys((*change.fix, *used)):
        if table.column(name) is None:
            yield no_column(table, name)


def _is_key(table: Table, names: list[str]) -> bool:
    """Whether a unique index that is no partial one has exactly these columns, in any order.

    A key WITHOUT OVERLAPS, held up by a gist index, is none: only a foreign key with PERIOD could refer to it.
    """
    temporal = {i.constraint for i in table.indexes if i.constraint is not None and i.method != "btree"}
    of_indexes = (
        i.columns[: i.key_count]
        for i in table.indexes
        if i.unique and i.valid and not i.partial and not i.has_expressions and i.constraint not in temporal
    )
    of_constraints = (
        c.columns
        for c in table.constraints
        if c.kind in ("primary", "unique") and not c.deferrable and c.name not in temporal
    )
    return any(sorted(str(n) for n in found) == sorted(names) for found in (*of_indexes, *of_constraints))


def is_indexed(table: Table, columns: tuple[str, ...]) -> bool:
    """Whether an index begins with these columns, in any order."""
    wanted = frozenset(columns)
    return any(
        i.valid and not i.partial and frozenset(i.columns[: min(len(wanted), i.key_count)]) == wanted
        for i in table.indexes
    )
