"""What a column that comes in another one's place has otherwise: its NOT NULL, its DEFAULT, and what went with the old.

A rename and another type leave these as they were, while a new column has its own only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed import columns
from crossfade.migrations.typed.conversion import conversion
from crossfade.migrations.typed.entry import Entry, entry, name_text, type_text
from crossfade.migrations.typed.groups.group import Reading
from crossfade.postgres.forecast.trees import expression

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.postgres.catalog import Column

_ALONE = frozenset({"drop_not_null", "drop_constraint", "drop_index"})
"""Kinds of which no plan takes one beside another change of the column."""
_OF_COLUMN = frozenset({"check", "unique", "foreign", "exclusion"})


def reading(entries: Sequence[Entry], meaning: str = "") -> Reading:
    """The entries, one after the other where they cannot be in one plan."""
    is_parted = any(kind in _ALONE for each in entries for kind in each)
    return Reading(entries=tuple(entries), meaning=meaning, in_turn=is_parted)


def renamed(gone: Command, added: Command, *, required: bool = False) -> Iterator[Entry]:
    """A column under another name, and what is different about it."""
    parts, old = columns.parts_of(added.action.def_), columns.column_of(gone)
    table, name = gone.table_text, added.action.def_.colname
    yield entry("rename_column", table=table, from_=gone.action.name, to=name)
    if old is None or old.type == "unknown":
        return
    yield from _not_null(table, name, old, is_needed=required or "CONSTR_NOTNULL" in parts)
    default = columns.default_text(parts)
    if default is None and old.default is not None:
        yield entry("drop_default", table=table, column=name)
    elif default is not None and not _same(default, old):
        yield entry("set_default", table=table, column=name, value=default)


def retyped(gone: Command, added: Command, using: str | None, *, required: bool = False) -> Iterator[Entry]:
    """A column with the type and all else of the one in its place; the old default need not be one of the new type."""
    definition, old = added.action.def_, columns.column_of(gone)
    table, name, parts = gone.table_text, gone.action.name, columns.parts_of(added.action.def_)
    way = conversion(old, definition.typeName, using, name=name)
    yield from _gone_with(gone)
    if old is not None and old.default is not None:
        yield entry("drop_default", table=table, column=name)
    yield entry(
        "change_type",
        table=table,
        column=name,
        to=type_text(definition.typeName),
        using=way.using,
        reverse=way.reverse,
    )
    default = columns.default_text(parts)
    if default is not None:
        yield entry("set_default", table=table, column=name, value=default)
    if old is not None:
        yield from _not_null(table, name, old, is_needed=required or "CONSTR_NOTNULL" in parts)


def is_plain(parts: Mapping[str, Any]) -> bool:
    """Whether a new column has nothing besides a DEFAULT and a NOT NULL."""
    return parts.keys() <= {"CONSTR_NULL", "CONSTR_NOTNULL", "CONSTR_DEFAULT"}


def _not_null(table: str, name: str, old: Column, *, is_needed: bool) -> Iterator[Entry]:
    if is_needed and not old.not_null:
        yield entry("set_not_null", table=table, column=name, note=columns.YOURS)
    elif old.not_null and not is_needed:
        yield entry("drop_not_null", table=table, column=name)


def _same(default: str, old: Column) -> bool:
    """Whether it surely is what the old column has; files that made it do not tell."""
    known = old.default.expression if old.default is not None else ""
    return bool(known) and bool(expression(default) == expression(known))


def _gone_with(gone: Command) -> Iterator[Entry]:
    """The constraints and indexes that PostgreSQL drops with the column."""
    table, name = gone.table, gone.action.name
    for constraint in table.constraints if table is not None else ():
        if constraint.kind in _OF_COLUMN and name in constraint.columns:
            yield entry("drop_constraint", table=gone.table_text, name=constraint.name)
    for index in table.indexes if table is not None else ():
        if index.constraint is None and name in index.columns:
            yield entry("drop_index", name=name_text(index.name.schema, index.name.name))
