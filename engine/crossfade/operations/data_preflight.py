"""What stands in the way of a change of rows, and what to know before it: pure functions over the catalog.

Here is what the three kinds have in common; what only one of them has to ask stands with it. What an expression means
to the server, and who may do what, is asked of the database itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.acks import CASCADE
from crossfade.operations.own_names import LEDGER_SCHEMA, mark
from crossfade.operations.rename_preflight import OLDEST_SERVER
from crossfade.operations.step import Caution
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.plan.expressions import Expression
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Catalog, ForeignKey, Index, Table, Trigger

_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_ACTION = re.compile(r" ON (DELETE|UPDATE) (CASCADE|SET NULL|SET DEFAULT)")


def family_of(table: Table, catalog: Catalog) -> tuple[Table, ...]:
    """The table with all its partitions and inheritance children."""
    found = [table]
    for name in (*table.partitions, *table.children):
        below = catalog.table(name)
        if below is not None:
            found += [t for t in family_of(below, catalog) if t not in found]
    return tuple(found)


def table_refusals(name: TableName, catalog: Catalog) -> Iterator[Refusal]:
    """Why rows of this table cannot be worked on, wherever in the change it stands."""
    table = catalog.resolve(name.schema, name.name)
    if catalog.server_version < OLDEST_SERVER:
        yield Refusal(
            code="server_version",
            object="server",
            message=f"crossfade needs PostgreSQL 14 or newer; this server is {catalog.server_version_text}.",
            instead="Upgrade the server first.",
        )
    elif table is None:
        near = catalog.nearest_tables(str(name))
        yield Refusal(
            code="no_such_table",
            object=str(name),
            message=f"there is no table {name} in database {catalog.database}.",
            instead=f"Did you mean {' or '.join(near)}?"
            if near
            else "Create it first, or name it as schema.table if it is off the search_path.",
        )
    elif table.kind not in ("table", "partitioned"):
        yield Refusal(
            code="not_a_table",
            object=str(table.name),
            message=f"it is a {table.kind if table.kind != 'foreign' else 'foreign table'}, not a table.",
            instead="Name the table that holds the rows.",
        )
    elif table.is_temporary:
        yield Refusal(
            code="unsupported_table",
            object=str(table.name),
            message="it is a temporary table.",
            instead="Change its rows in the session that it belongs to.",
        )


def foreign_partitions(family: Iterable[Table]) -> Iterator[Refusal]:
    """Rows of another server are in no batch."""
    for member in family:
        if member.kind == "foreign":
            yield Refusal(
                code="foreign_partition",
                object=str(member.name),
                message="a partition or child is a foreign table, whose rows are on another server.",
                instead="Name the other partitions one by one, and change its rows where they are.",
            )


def unknown_columns(table: Table, names: Iterable[str]) -> Iterator[Refusal]:
    """Columns that the table does not have."""
    known = [column.name for column in table.columns]
    for name in dict.fromkeys(names):
        if name in known:
            continue
        folded = {k.casefold(): k for k in known}
        near = [folded[f] for f in difflib.get_close_matches(name.casefold(), folded, n=2)]
        yield Refusal(
            code="no_such_column",
            object=f"{table.name}.{quoted(name)}",
            message=f"table {table.name} has no column {quoted(name)}.",
            instead=f"Did you mean {' or '.join(quoted(n) for n in near)}?"
            if near
            else f"It has: {', '.join(quoted(k) for k in known)}. A text stands in single quotes.",
        )


def columns_of(expressions: Iterable[tuple[str, Expression]]) -> Iterator[str]:
    """Every column that the expressions read."""
    for _, expression in expressions:
        yield from expression.columns


def unwritable(table: Table, names: Iterable[str]) -> Iterator[Refusal]:
    """Columns that the server fills itself, whatever a statement says."""
    for name in names:
        column = table.column(name)
        if column is None:
            continue
        if column.generated:
            yield Refusal(
                code="generated_column",
                object=f"{table.name}.{quoted(name)}",
                message="it is a generated column; the server computes it.",
                instead="Leave it out, and set the columns that it is computed from.",
            )
        elif column.identity is not None and column.identity.always:
            yield Refusal(
                code="identity_column",
                object=f"{table.name}.{quoted(name)}",
                message="it is GENERATED ALWAYS AS IDENTITY; the server numbers it.",
                instead=f"Leave it out, or run first: ALTER TABLE {table.name} ALTER COLUMN {quoted(name)} "
                "SET GENERATED BY DEFAULT.",
            )


def without_a_value(table: Table, given: Iterable[str]) -> Iterator[Caution]:
    """Columns that an INSERT leaves empty and that may not be empty."""
    known = frozenset(given)
    for column in table.columns:
        filled = column.default is not None or column.identity is not None or column.generated is not None
        if column.not_null and not filled and column.name not in known:
            yield Caution(
                code="no_value",
                object=f"{table.name}.{quoted(column.name)}",
                message="it is NOT NULL without a default, and the change gives it no value: every row is refused, "
                "unless a trigger or the column's domain fills it.",
            )


def other_runs(family: Iterable[Table], names: Iterable[str]) -> Iterator[Refusal]:
    """Columns that another run keeps in step with a twin: what is written to one of them counts for that run."""
    written = tuple(names)
    for member in family:
        for name in written:
            column = member.column(name)
            comments = [column.comment if column else None]
            comments += [t.comment for t in member.triggers if _is_ours(t) and quoted(name) in _words(t)]
            marks = dict.fromkeys(c for c in comments if c is not None and c.startswith(mark("")))
            for run in (m.removeprefix(mark("")) for m in marks):
                yield Refusal(
                    code="in_another_run",
                    object=f"{member.name}.{quoted(name)}",
                    message=f"run {run} is changing it already.",
                    instead=f"Let that run end first (crossfade status {run}).",
                )


def _is_ours(trigger: Trigger) -> bool:
    return trigger.function.schema == LEDGER_SCHEMA


def _words(trigger: Trigger) -> frozenset[str]:
    return frozenset(re.findall(r'"(?:[^"]|"")*"|[\w$]+', trigger.function_body))


def firing(family: Iterable[Table], event: str, names: Iterable[str] = ()) -> Iterator[Caution]:
    """Row triggers that the change fires; `names` are the columns that an UPDATE sets."""
    members, touched = tuple(family), frozenset(names)
    fired = sorted(
        {
            trigger.name
            for member in members
            for trigger in member.triggers
            if trigger.row and event in trigger.events and trigger.enabled in ("O", "A") and not _is_ours(trigger)
            if not trigger.columns or event != "update" or touched & set(trigger.columns)
        }
    )
    if fired:
        yield Caution(
            code="triggers_fire",
            object=str(members[0].name),
            message=f"the {event.upper()} fires {', '.join(fired)} once for each row.",
        )


def foreign_keys(family: Iterable[Table], event: str, names: Iterable[str]) -> Iterator[Refusal | Caution]:
    """What becomes of rows that reference a row which is deleted (`DELETE`), or whose columns change (`UPDATE`)."""
    touched = frozenset(names)
    seen: set[tuple[str, object]] = set()
    for member in family:
        for key in member.incoming_foreign_keys:
            if (key.name, key.table) in seen or not touched & set(key.referenced_columns):
                continue
            seen.add((key.name, key.table))
            yield _cascade(key, member, event) or _referenced(key, member, event)


def _cascade(key: ForeignKey, table: Table, event: str) -> Refusal | None:
    plain = _QUOTED.sub('""', key.definition)
    action = next((what for when, what in _ACTION.findall(plain) if when == event), None)
    if action is None:
        return None
    deletes = event == "DELETE" and action == "CASCADE"
    return Refusal(
        code="cascade",
        object=str(key.table),
        message=f"its foreign key {key.name} to {table.name} says ON {event} {action}: its rows are "
        f"{'deleted too, and no archive keeps them' if deletes else 'changed too'}.",
        instead="Deal with them first in a change of their own.",
        ack=CASCADE,
    )


def _referenced(key: ForeignKey, table: Table, event: str) -> Caution:
    done = "deleted" if event == "DELETE" else "changed so"
    return Caution(
        code="referenced",
        object=str(key.table),
        message=f"its foreign key {key.name} references {table.name}: a row that it still references cannot be {done} "
        "and is set aside.",
    )


def without_key(family: Iterable[Table], touched: Iterable[str] = ()) -> tuple[Table, ...]:
    """The relations whose rows no key orders that stays as it is: they are walked by place."""
    changed = frozenset(touched)
    return tuple(
        member
        for member in family
        if member.kind == "table" and not any(_orders(index, member, changed) for index in member.indexes)
    )


def _orders(index: Index, table: Table, changed: frozenset[str]) -> bool:
    keys = [table.column(name) for name in index.columns[: index.key_count] if name is not None]
    whole = index.unique and index.valid and index.ready and not index.partial and not index.has_expressions
    deferrable = any(c.name == index.constraint and c.deferrable for c in table.constraints)
    return whole and not deferrable and all(k is not None and k.not_null and k.name not in changed for k in keys)
