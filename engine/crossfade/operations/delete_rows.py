"""`delete_rows`: rows are deleted in batches; with `archive_to` each is kept in another table by the same statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.rows import data_preflight, rule_preflight
from crossfade.operations.rows.data_statement import pending
from crossfade.operations.step import Caution, Compiled, DataChange, Delete
from crossfade.operations.tables import table_preflight
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import DeleteRows
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: DeleteRows, place: Place, catalog: Catalog) -> Compiled:
    """The rows of one change against a catalog; refusals instead where it cannot be done."""
    table = catalog.resolve(change.table.schema, change.table.name)
    unusable = tuple(r for name in change.tables for r in table_preflight.table_refusals(name, catalog))
    if table is None or unusable:
        return Compiled(refusals=tuple(dict.fromkeys(unusable)), catalog=catalog)
    archive = None if change.archive_to is None else catalog.resolve(change.archive_to.schema, change.archive_to.name)
    found = (*_about_rows(change, table, catalog), *_about_archive(table, archive, catalog))
    refusals = tuple(f for f in found if isinstance(f, Refusal))
    return Compiled(
        data=() if any(r.ack is None for r in refusals) else (_rows(change, place, table, archive),),
        refusals=refusals,
        cautions=tuple(f for f in found if isinstance(f, Caution)),
        catalog=catalog,
    )


def _rows(change: DeleteRows, place: Place, table: Table, archive: Table | None) -> DataChange:
    write = Delete()
    if archive is not None:
        write = Delete(
            archive=render(sql.Identifier(archive.name.schema, archive.name.name)),
            columns=tuple(render(sql.Identifier(column)) for column in _kept(table)),
        )
    return DataChange(
        id=place.id("rows"),
        schema=table.name.schema,
        table=table.name.name,
        pending=pending(change.where),
        write=write,
    )


def _kept(table: Table) -> tuple[str, ...]:
    """What is a row's own; the rest follows from it."""
    return tuple(column.name for column in table.columns if column.generated is None)


def _about_rows(change: DeleteRows, table: Table, catalog: Catalog) -> Iterator[Refusal | Caution]:
    family = table_preflight.family_of(table, catalog)
    yield from data_preflight.unknown_columns(table, data_preflight.columns_of(change.expressions))
    yield from data_preflight.foreign_partitions(family)
    every_column = {c.name for member in family for c in member.columns}
    yield from data_preflight.foreign_keys(family, "DELETE", every_column)
    yield from data_preflight.firing(family, "delete")
    relations = [member for member in family if member.kind == "table"]
    if change.archive_to is None:
        yield from rule_preflight.rules_of_a_write(relations, "delete")
    else:
        yield from rule_preflight.rules_in_the_way(relations, ["delete"], "delete and keep rows in one statement from")


def _about_archive(table: Table, archive: Table | None, catalog: Catalog) -> Iterator[Refusal | Caution]:
    if archive is None:
        return
    if archive.name in {member.name for member in table_preflight.family_of(table, catalog)}:
        yield Refusal(
            code="same_table",
            object=str(archive.name),
            message="the deleted rows would be kept in the table that they are deleted from.",
            instead="Name another table.",
        )
        return
    kept = _kept(table)
    missing = [name for name in kept if archive.column(name) is None]
    if missing:
        listed = ", ".join(quoted(name) for name in missing)
        yield Refusal(
            code="archive_columns",
            object=str(archive.name),
            message=f"it lacks {'this column' if len(missing) == 1 else 'these columns'} of {table.name}: {listed}.",
            instead="Add them to it, so that nothing of a row is lost.",
        )
    yield from data_preflight.unwritable(archive, kept)
    yield from data_preflight.without_a_value(archive, kept)
    yield from data_preflight.firing(table_preflight.family_of(archive, catalog), "insert")
    yield from rule_preflight.rules_in_the_way([archive], ["insert"], "say which rows have reached")
