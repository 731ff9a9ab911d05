"""ALTER TABLE on columns: what each subcommand reads and writes, and the column as it leaves it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import Column, Identity, QualifiedName
from crossfade.postgres.forecast.added_column import added_column, default_of, typed
from crossfade.postgres.forecast.constraints import add_column_constraints
from crossfade.postgres.forecast.dropping import drop_columns
from crossfade.postgres.forecast.foreign_keys import rebuild_keys
from crossfade.postgres.forecast.not_null import make_not_null, with_column
from crossfade.postgres.forecast.type_change import judge_parsed
from crossfade.postgres.forecast.type_names import read_type, resolve
from crossfade.postgres.forecast.volatility import is_volatile

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft
    from crossfade.postgres.forecast.target import Target


def add_column(draft: Draft, target: Target, command: Any) -> None:
    """ADD COLUMN, with whatever constraints it declares."""
    definition = command.def_
    members = [t for t in target.members(draft) if t.column(definition.colname) is None]
    if target.table(draft).name not in {m.name for m in members}:
        return
    for member in members:
        added = added_column(draft.schema, member, definition)
        columns = (*member.columns, added.column)
        draft.widen(replace(member, columns=columns, attribute_count=added.column.number))
        if added.alters_rows:
            draft.alter_rows(member, "table")
        if added.rewrites:
            draft.rewrite(member.name)
        elif added.scans:
            draft.scan(member.name)
    add_column_constraints(draft, target, definition, checks_keys=added.has_default)


def drop_column(draft: Draft, target: Target, command: Any) -> None:
    """DROP COLUMN, with what goes with it."""
    if target.only:
        draft.lock_all(target.nearest(draft), target.mode)
    drop_columns(draft, target.members(draft), command.name, cascade=command.behavior.name == "DROP_CASCADE")


def change_type(draft: Draft, target: Target, command: Any) -> None:
    """ALTER COLUMN … TYPE."""
    wanted = read_type(command.def_.typeName)
    for member in target.members(draft):
        column = member.column(command.name)
        if column is None:
            continue
        draft.alter_rows(member, "table", "partitioned")
        change = judge_parsed(
            column, command.def_, table=member, time_zone=draft.schema.time_zone, domains=draft.schema.domains
        )
        if change.rewrites:
            draft.rewrite(member.name)
        elif change.scans:
            draft.scan(member.name)
        rebuild_keys(draft, member, command.name, checks=change.rewrites)
        resolved = resolve(wanted, draft.schema.domains)
        new = replace(column, **typed(draft.schema, wanted, resolved.base), domain_constrained=resolved.constrained)
        draft.schema = draft.schema.put(with_column(draft.schema.tables[member.name], new))


def set_default(draft: Draft, target: Target, command: Any) -> None:
    """SET DEFAULT and DROP DEFAULT: new rows only."""
    schema = draft.schema
    volatile = command.def_ is not None and is_volatile(command.def_, schema.volatile_functions, schema.search_path)
    default = default_of(command.def_, volatile=volatile) if command.def_ is not None else None
    _each_column(draft, target, command.name, lambda column: replace(column, default=default))


def set_not_null(draft: Draft, target: Target, command: Any) -> None:
    """SET NOT NULL: rows are read unless a valid CHECK says that none is NULL."""
    for member in target.members(draft):
        make_not_null(draft, member, command.name)


def drop_not_null(draft: Draft, target: Target, command: Any) -> None:
    """DROP NOT NULL."""
    for member in target.members(draft):
        kept = tuple(c for c in member.constraints if c.kind != "not_null" or c.columns != (command.name,))
        column = member.column(command.name)
        if column is not None:
            changed = with_column(replace(member, constraints=kept), replace(column, not_null=False))
            draft.schema = draft.schema.put(changed)


def set_expression(draft: Draft, target: Target, command: Any) -> None:
    """SET EXPRESSION: a stored one is computed anew for every row."""
    for member in target.members(draft):
        column = member.column(command.name)
        if column is None:
            continue
        if column.generated == "stored":
            draft.alter_rows(member, "table")
            draft.rewrite(member.name)
        elif column.not_null or any(command.name in c.columns for c in member.constraints if c.kind == "check"):
            draft.scan(member.name)


def drop_expression(draft: Draft, target: Target, command: Any) -> None:
    """DROP EXPRESSION: the values stay."""
    _each_column(draft, target, command.name, lambda column: replace(column, generated=None))


def add_identity(draft: Draft, target: Target, command: Any) -> None:
    """ADD GENERATED … AS IDENTITY: for new rows."""
    table = target.table(draft)
    sequence = QualifiedName(table.name.schema, f"{table.name.name}_{command.name}_seq")
    identity = Identity(always=command.def_.generated_when == "a", sequence=sequence)
    _each_column(draft, target, command.name, lambda column: replace(column, identity=identity))


def drop_identity(draft: Draft, target: Target, command: Any) -> None:
    """DROP IDENTITY."""
    _each_column(draft, target, command.name, lambda column: replace(column, identity=None))


def _each_column(draft: Draft, target: Target, name: str, change: Callable[[Column], Column]) -> None:
    for member in target.members(draft):
        column = member.column(name)
        if column is not None:
            draft.schema = draft.schema.put(with_column(member, change(column)))
