"""ALTER TABLE on how rows are kept: options, tablespace, log, access method, row type. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.forecast.trees import names
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft
    from crossfade.postgres.forecast.target import Target

#: Options that change what statements do; all others of a table only advise autovacuum and the planner.
_WEIGHTY = frozenset({"user_catalog_table", "security_barrier", "security_invoker", "check_option"})


def options_lock(command: Any) -> LockMode:
    """The lock of SET (…) and RESET (…)."""
    weighty = any(option.defname in _WEIGHTY for option in command.def_ or ())
    return LockMode.ACCESS_EXCLUSIVE if weighty else LockMode.SHARE_UPDATE_EXCLUSIVE


def set_tablespace(draft: Draft, target: Target, command: Any) -> None:
    """SET TABLESPACE copies the table's files, unless they are there already."""
    table = target.table(draft)
    if command.name != table.tablespace:
        draft.rewrite(target.name)
        draft.schema = draft.schema.put(replace(table, tablespace=command.name))


def set_access_method(draft: Draft, target: Target, command: Any) -> None:
    """SET ACCESS METHOD rewrites, unless it is the table's own."""
    table = target.table(draft)
    if command.name != table.access_method:
        draft.alter_rows(table, "table")
        draft.rewrite(target.name)
        draft.schema = draft.schema.put(replace(table, access_method=command.name))


def set_logged(draft: Draft, target: Target, _command: Any) -> None:
    """SET LOGGED rewrites an unlogged table."""
    _set_persistence(draft, target, "permanent")


def set_unlogged(draft: Draft, target: Target, _command: Any) -> None:
    """SET UNLOGGED rewrites a table that is not so yet."""
    _set_persistence(draft, target, "unlogged")


def set_row_type(draft: Draft, target: Target, command: Any) -> None:
    """OF type."""
    *schema, name = names(command.def_.names)
    qualified = QualifiedName(schema[-1], name) if schema else draft.schema.qualify(None, name)
    draft.schema = draft.schema.put(replace(target.table(draft), typed_of=str(qualified)))


def forget_row_type(draft: Draft, target: Target, _command: Any) -> None:
    """NOT OF."""
    draft.schema = draft.schema.put(replace(target.table(draft), typed_of=None))


def _set_persistence(draft: Draft, target: Target, wanted: Literal["permanent", "unlogged"]) -> None:
    table = target.table(draft)
    if table.persistence != wanted:
        draft.alter_rows(table, "table")
        draft.rewrite(target.name)
        draft.schema = draft.schema.put(replace(table, persistence=wanted))
