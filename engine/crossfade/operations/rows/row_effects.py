"""What a change of rows sets off besides: triggers of the users, foreign keys that are checked, rights that it takes.

Pure functions over the catalog, for people to read before it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.operations.rows.trigger_effects import effects_of, fires
from crossfade.operations.step import Copy, Delete, Update
from crossfade.operations.sync.kept_timestamps import stamped
from crossfade.operations.tables.table_preflight import family_of
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.step import RowWork
    from crossfade.postgres.catalog import Catalog, Index, Table, Trigger

_ENABLED = {"O": "enabled", "A": "always"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredTrigger:
    """A trigger of the users that fires."""

    table: str
    name: str
    timing: str
    """`before` or `after`, `each row` or `each batch`."""
    function: str
    enabled: str
    """`enabled`, or `always`."""
    effects: str | None
    """What is known of it, in words."""
    kept: tuple[str, ...] = ()
    """Columns that it sets to the present time and that get their old value back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedKey:
    """A foreign key that the server checks for each row."""

    table: str
    name: str
    definition: str
    scans: bool = False
    """It looks for rows that reference the one in hand, and has no index to find them by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A right that the role needs on a relation; on single columns if any are named."""

    relation: QualifiedName
    privilege: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A change with the tables it writes to: its own, and the one that rows are copied or moved to."""

    work: RowWork
    table: Table
    other: Table | None = None

    @property
    def touched(self) -> frozenset[str]:
        """The columns that an UPDATE sets."""
        return frozenset(self.work.touched)


def triggers_fired(written: Written, catalog: Catalog, *, keeps: bool) -> Iterator[FiredTrigger]:
    """Every trigger of the users that it fires; with `keeps` the plan keeps their timestamps."""
    for table, event, columns in _events(written):
        for member in family_of(table, catalog):
            for trigger in member.triggers:
                if not trigger.parent_inherited and fires(trigger, event, columns):
                    is_own = keeps and table is written.table
                    kept = stamped(trigger, member) - columns if is_own and event == "update" else frozenset()
                    yield _fired(trigger, member, tuple(sorted(kept)))


def _events(written: Written) -> Iterator[tuple[Table, str, frozenset[str]]]:
    """The tables that rows are written to, how, and the columns that are set there."""
    match written.work.write:
        case Update():
            yield written.table, "update", written.touched
        case Delete():
            yield written.table, "delete", frozenset()
            if written.other is not None:
                yield written.other, "insert", frozenset()
        case Copy(on_conflict=on_conflict):
            if written.other is not None:
                yield written.other, "insert", frozenset()
                if "DO UPDATE" in on_conflict:
                    yield written.other, "update", frozenset(c.name for c in written.other.columns)


def _fired(trigger: Trigger, table: Table, kept: tuple[str, ...]) -> FiredTrigger:
    return FiredTrigger(
        table=str(table.name),
        name=trigger.name,
        timing=f"{trigger.timing} each {'row' if trigger.row else 'batch'}",
        function=str(trigger.function),
        enabled=_ENABLED.get(trigger.enabled, trigger.enabled),
        effects=str(effects_of(trigger)) or None,
        kept=kept,
    )


def keys_checked(written: Written, catalog: Catalog) -> Iterator[CheckedKey]:
    """Every foreign key that is checked; `catalog` has the tables that reference the one in hand as well."""
    for table, event, columns in _events(written):
        for member in family_of(table, catalog):
            if event != "delete":
                yield from _outgoing(member, columns if event == "update" else None)
            if event != "insert":
                yield from _incoming(member, columns if event == "update" else None, catalog)


def _outgoing(table: Table, columns: frozenset[str] | None) -> Iterator[CheckedKey]:
    for key in table.constraints:
        if key.kind == "foreign" and key.enforced and (columns is None or columns & set(key.columns)):
            yield CheckedKey(table=str(table.name), name=key.name, definition=key.definition)


def _incoming(table: Table, columns: frozenset[str] | None, catalog: Catalog) -> Iterator[CheckedKey]:
    for key in table.incoming_foreign_keys:
        if columns is None or columns & set(key.referenced_columns):
            referencing = catalog.table(key.table)
            is_found = referencing is None or any(_leads_to(index, key.columns) for index in referencing.indexes)
            yield CheckedKey(table=str(key.table), name=key.name, definition=key.definition, scans=not is_found)


def _leads_to(index: Index, columns: tuple[str, ...]) -> bool:
    """Whether rows can be found by these columns through the index."""
    first = index.columns[: min(index.key_count, len(columns))]
    return index.valid and not index.partial and set(first) == set(columns)


def rights_needed(written: Written, relations: Iterable[QualifiedName]) -> Iterator[Right]:
    """What the role has to be allowed; batches name each relation that holds the rows by itself."""
    for relation in relations:
        yield Right(relation=relation, privilege="SELECT")
        match written.work.write:
            case Update():
                yield Right(relation=relation, privilege="UPDATE", columns=tuple(sorted(written.touched)))
            case Delete():
                yield Right(relation=relation, privilege="DELETE")
    if written.other is not None:
        yield Right(relation=written.other.name, privilege="INSERT")
        if isinstance(written.work.write, Copy) and written.work.write.on_conflict:
            yield Right(relation=written.other.name, privilege="SELECT")
            if "DO UPDATE" in written.work.write.on_conflict:
                yield Right(relation=written.other.name, privilege="UPDATE")
