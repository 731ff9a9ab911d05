"""What stands in the way of any change of a table, whatever it does: pure functions over the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.postgres.names import quoted
from crossfade.postgres.own_names import LEDGER_SCHEMA, mark

if TYPE_CHECKING:
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Catalog, QualifiedName, Table, Trigger

OLDEST_SERVER = 140000


def family_of(table: Table, catalog: Catalog) -> tuple[Table, ...]:
    """The table with all its partitions and inheritance children."""
    found = [table]
    for name in (*table.partitions, *table.children):
        below = catalog.table(name)
        if below is not None:
            found += [t for t in family_of(below, catalog) if t not in found]
    return tuple(found)


def descendants_by_inheritance(catalog: Catalog, table: Table) -> Iterator[QualifiedName]:
    """Names of the inheritance children below, which need triggers of their own; partitions get clones."""
    for name in table.children:
        yield name
        child = catalog.table(name)
        if child is not None:
            yield from descendants_by_inheritance(catalog, child)


def staged_members(catalog: Catalog, table: Table) -> Iterator[Table]:
    """The same as tables, which know the names that they have until contract, too."""
    for name in dict.fromkeys(descendants_by_inheritance(catalog, table)):
        found = catalog.table(name)
        if found is not None:
            yield found


def table_refusals(name: TableName, catalog: Catalog) -> Iterator[Refusal]:
    """Why this table cannot be worked on, wherever in a change it stands."""
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
            instead="Change it directly, in the session that it belongs to.",
        )
    elif table.name.schema == LEDGER_SCHEMA:
        yield Refusal(
            code="unsupported_table",
            object=str(table.name),
            message="it is part of crossfade's ledger, which says what was done.",
            instead="Name a table of your own.",
        )
    elif table.name.schema.startswith("pg_") or table.name.schema == "information_schema":
        yield Refusal(
            code="unsupported_table",
            object=str(table.name),
            message="it is one of the server's own tables.",
            instead="Name a table of your own.",
        )


def other_runs(family: Iterable[Table], names: Iterable[str]) -> Iterator[Refusal]:
    """Columns that a run keeps in step with a twin already; an earlier change of the same plan counts too."""
    members = tuple(family)
    for name in names:
        if any((column := member.column(name)) is not None and column.work is not None for member in members):
            yield Refusal(
                code="in_another_run",
                object=f"{members[0].name}.{quoted(name)}",
                message="an earlier change of this plan works on it already.",
                instead="Put the second change into a plan of its own, after this one.",
            )
        runs = dict.fromkeys(run for member in members for run in _runs_at(member, name))
        for run in runs:
            yield Refusal(
                code="in_another_run",
                object=f"{members[0].name}.{quoted(name)}",
                message=f"run {run} is changing it already.",
                instead=f"Let that run end first (crossfade status {run}).",
            )


def _runs_at(table: Table, name: str) -> Iterator[str]:
    column = table.column(name)
    comments = [column.comment if column else None]
    comments += [t.comment for t in table.triggers if is_ours(t) and quoted(name) in _words(t)]
    for comment in comments:
        if comment is not None and comment.startswith(mark("")):
            yield comment.removeprefix(mark(""))


def is_ours(trigger: Trigger) -> bool:
    """Whether crossfade made it, for this run or another."""
    return trigger.function.schema == LEDGER_SCHEMA


def _words(trigger: Trigger) -> frozenset[str]:
    return frozenset(re.findall(r'"(?:[^"]|"")*"|[\w$]+', f"{trigger.function_body} {trigger.when or ''}"))
