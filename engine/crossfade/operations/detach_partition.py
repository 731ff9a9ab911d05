"""`detach_partition`: a partition becomes a table of its own, in contract, concurrently.

DETACH CONCURRENTLY leaves a CHECK of the bounds, which lets a revert attach the table again without reading it; it goes
when `retain` is over. A detaching that is cut off stays half done in the catalog: the next step finishes it.
It comes before what else is hidden, so that a later change of the plan can drop the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.attach_partition import is_attached
from crossfade.operations.indexes.index_build import regclass
from crossfade.operations.indexes.index_definition import staged_names
from crossfade.operations.step import Compiled, Part, Step, Turn
from crossfade.operations.tables import partition_preflight
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import DetachPartition
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: DetachPartition, place: Place, catalog: Catalog) -> Compiled:
    """Detaching and tidying up; refusals instead where PostgreSQL does it only while everybody waits."""
    parent = catalog.resolve(change.table.schema, change.table.name)
    partition = catalog.resolve(change.partition.schema, change.partition.name)
    refusals = tuple(r for name in change.tables for r in table_refusals(name, catalog))
    if refusals or parent is None or partition is None:
        return Compiled(refusals=refusals, catalog=catalog)
    refusals = tuple(partition_preflight.detach_refusals(parent, partition, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    checks = tuple(_checks(parent, partition))
    return Compiled(
        steps=(
            _detach(place, parent, partition),
            _finish(place, parent, partition, checks),
            _tidy(place, partition, checks),
        ),
        cautions=tuple(partition_preflight.detach_cautions(parent, partition, catalog)),
        catalog=_afterwards(catalog, parent, partition),
    )


def _checks(parent: Table, partition: Table) -> Iterator[str]:
    """What PostgreSQL calls the CHECK of the bounds: after the column if it is over one only."""
    taken = {*partition.constraint_names}
    if len(parent.partition_key_columns) == 1:
        names = staged_names(parent)
        key = tuple(names.get(c, c) for c in parent.partition_key_columns)
        yield chosen_name(partition.name.name, key, "check", taken)
    if len(parent.partition_key_columns) > 1 or parent.partition_parent is not None:
        # A partition of a partition has the bounds of both.
        yield chosen_name(partition.name.name, (), "check", taken)


def _detach(place: Place, parent: Table, partition: Table) -> Step:
    child = sql.Identifier(partition.name.schema, partition.name.name)
    return Step(
        id=place.id("detach"),
        part=Part.HIDE,
        title=f"detach {partition.name} from {parent.name} while everybody goes on",
        statements=(_alter(parent, sql.SQL("DETACH PARTITION {} CONCURRENTLY").format(child)),),
        transactional=False,
        done=render(
            sql.SQL("SELECT {} AND NOT ({})").format(_is_there(partition), sql.SQL(is_attached(parent, partition)))
        ),
        turn=Turn.BEFORE,
    )


def _finish(place: Place, parent: Table, partition: Table, checks: tuple[str, ...]) -> Step:
    """What is pending is finished; where nothing is, nothing happens. Its undo is that of both steps."""
    child = sql.Identifier(partition.name.schema, partition.name.name)
    finalize = _alter(parent, sql.SQL("DETACH PARTITION {} FINALIZE").format(child))
    pending = sql.SQL(
        "EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = pg_catalog.to_regclass({}) AND inhdetachpending)"
    ).format(regclass(partition.name))
    block = sql.SQL("BEGIN IF {} THEN EXECUTE {}; END IF; END").format(pending, sql.Literal(finalize.text))
    return Step(
        id=place.id("finish"),
        part=Part.HIDE,
        title=f"see that {partition.name} is detached",
        statements=(Statement(text=render(sql.SQL("DO {}").format(sql.Literal(render(block))))),),
        undo=(
            _alter(parent, sql.SQL("ATTACH PARTITION {} {}").format(child, sql.SQL(partition.partition_bound or ""))),
            *_dropped(partition, checks),
        ),
        done=render(
            sql.SQL(
                "SELECT {} AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits "
                "WHERE inhrelid = pg_catalog.to_regclass({}))"
            ).format(_is_there(partition), regclass(partition.name))
        ),
        turn=Turn.BEFORE,
    )


def _is_there(partition: Table) -> sql.Composable:
    """A table that nobody finds by its name is not detached for that."""
    return sql.SQL("pg_catalog.to_regclass({}) IS NOT NULL").format(regclass(partition.name))


def _tidy(place: Place, partition: Table, checks: tuple[str, ...]) -> Step:
    found = sql.SQL(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = pg_catalog.to_regclass({}) "
        "AND conname IN ({}))"
    ).format(regclass(partition.name), sql.SQL(", ").join(sql.Literal(name) for name in checks))
    return Step(
        id=place.id("tidy"),
        part=Part.DROP,
        title=f"drop the CHECK of the bounds that {partition.name} had",
        statements=tuple(_dropped(partition, checks)),
        done=render(found),
    )


def _dropped(partition: Table, checks: tuple[str, ...]) -> Iterator[Statement]:
    """A later change of the plan may have dropped the table."""
    relation = sql.Identifier(partition.name.schema, partition.name.name)
    for name in checks:
        text = sql.SQL("ALTER TABLE IF EXISTS {} DROP CONSTRAINT IF EXISTS {}").format(relation, sql.Identifier(name))
        yield Statement(text=render(text))


def _alter(table: Table, action: sql.Composable) -> Statement:
    relation = sql.Identifier(table.name.schema, table.name.name)
    return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(relation, action)))


def _afterwards(catalog: Catalog, parent: Table, partition: Table) -> Catalog:
    remaining = tuple(name for name in parent.partitions if name != partition.name)
    alone = replace(
        partition,
        partition_parent=None,
        partition_bound=None,
        bound_columns=(),
        indexes=tuple(replace(i, parent=None) for i in partition.indexes),
        constraints=tuple(replace(c, inherited=False, is_local=True) for c in partition.constraints),
    )
    leaving = (*parent.leaving, (partition.name, partition.partition_bound or ""))
    return catalog.with_table(replace(parent, partitions=remaining, leaving=leaving)).with_table(alone)
