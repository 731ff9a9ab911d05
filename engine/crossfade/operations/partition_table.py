"""`partition_table`: a table becomes a partitioned one under its name, while everybody goes on with it.

    expand    a partitioned twin with all that hangs on the table; triggers on the table write each row to the twin too
    backfill  old rows are copied; ANALYZE
    contract  hide: in one transaction the table steps aside under a name of ours and the twin takes its name, and with
              it the names of indexes, identities, the users' triggers, foreign keys of others, views; from then on it
              is the hidden table that follows, so that `revert` only exchanges the names again
              drop: the hidden table goes, with our triggers

One direction holds at a time, so a writer locks a row here before its copy there, and never the other way round.
"""

from __future__ import annotations

from dataclasses import replace
from math import lcm
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.step import Compiled, Copy, Part, RowCopy, RowLook, Step
from crossfade.operations.sync import table_sync
from crossfade.operations.sync.table_sync import Mirror
from crossfade.operations.tables import (
    partition_bounds,
    partition_table_preflight,
    second_name,
    table_exchange,
    table_twin,
)
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.operations.tables.table_twin import Partition, TableTwin
from crossfade.operations.trial import TRIAL_TABLE, Trial, ViolationLook
from crossfade.operations.twins import exchange_preflight
from crossfade.operations.twins.exchange import analyze
from crossfade.plan.changes.partition_table import PartitionBounds
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.operations.step import Place
    from crossfade.plan.changes import PartitionTable
    from crossfade.plan.changes.partition_table import Bounds, Scalar
    from crossfade.postgres.catalog import Catalog

_ENDS = {"MINVALUE": sql.SQL("MINVALUE"), "MAXVALUE": sql.SQL("MAXVALUE")}


def compile_change(change: PartitionTable, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one such change against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    views = tuple(table_exchange.views_over(table, catalog))
    refusals = (
        *partition_table_preflight.refusals(change, table, views, catalog),
        *exchange_preflight.unfinished_indexes((table,), frozenset(c.name for c in table.columns)),
    )
    if any(refusal.ack is None for refusal in refusals):
        return Compiled(refusals=refusals, catalog=catalog)
    twin = TableTwin(
        place=place,
        table=table,
        catalog=catalog,
        by=change.by,
        key=change.key,
        partitions=tuple(
            Partition(name=QualifiedName(table.name.schema, name), bounds=_bounds(bounds))
            for name, bounds in change.partitions.items()
        ),
    )
    forward, back = _mirrors(twin, change)
    after = _partitioned(twin)
    return Compiled(
        steps=(
            _expand(twin, forward),
            analyze(place, replace(table, name=twin.name), tuple(c.name for c in table.columns)),
            *table_exchange.steps(twin, forward, back, views),
            _drop(twin, forward, back),
        ),
        copies=(_rows(twin, forward),),
        refusals=refusals,
        cautions=tuple(partition_table_preflight.cautions(table, every_row_placed=forward.unplaced == "refused")),
        trials=(_trial(twin),),
        looks=tuple(_looks(twin, after)) if forward.unplaced == "left out" else (),
        catalog=after,
    )


# What the plan says


def _bounds(bounds: Bounds) -> sql.Composable:
    if not isinstance(bounds, PartitionBounds):
        return sql.SQL("DEFAULT")
    if bounds.strategy == "range":
        lower, upper = (sql.SQL(", ").join(map(_end, end)) for end in bounds.ends)
        return sql.SQL("FOR VALUES FROM ({}) TO ({})").format(lower, upper)
    if bounds.strategy == "list":
        values = sql.SQL(", ").join(map(_value, bounds.in_ or ()))
        return sql.SQL("FOR VALUES IN ({})").format(values)
    return sql.SQL("FOR VALUES WITH (MODULUS {}, REMAINDER {})").format(
        sql.Literal(bounds.modulus), sql.Literal(bounds.remainder)
    )


def _end(value: Scalar) -> sql.Composable:
    return _ENDS[value] if isinstance(value, str) and value in _ENDS else _value(value)


def _value(value: Scalar | None) -> sql.Composable:
    """A literal that the key's type reads."""
    return sql.SQL("NULL") if value is None else sql.Literal(str(value))


def _trial(twin: TableTwin) -> Trial:
    """The partitions under their names, of an empty table with the columns of the key."""
    parent = sql.Identifier("pg_temp", "crossfade_trial_of_partitions")
    key = sql.SQL(", ").join(map(sql.Identifier, twin.key))
    made = [
        sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {}) PARTITION BY {} ({})").format(
            parent, sql.SQL(TRIAL_TABLE), sql.SQL(twin.by), key
        )
    ]
    made += [
        sql.SQL("CREATE TEMPORARY TABLE {} PARTITION OF {} {}").format(
            sql.Identifier("pg_temp", p.name.name), parent, p.bounds
        )
        for p in twin.partitions
    ]
    return Trial(
        where=f"partitions of {twin.place.kind} on {twin.table.name}",
        shown=", ".join(p.name.name for p in twin.partitions),
        columns=tuple((c.name, c.type) for c in twin.table.columns if c.name in twin.key),
        statement=render(sql.SQL("; ").join(made)),
    )


def _looks(twin: TableTwin, after: Catalog) -> Iterator[ViolationLook]:
    """Rows that no partition takes, as far as bounds can be written as a condition."""
    parent = after.table(twin.table.name)
    within = [] if parent is None else [partition_bounds.conditions(parent, render(p.bounds)) for p in twin.partitions]
    taken = [sql.SQL("({}) IS NOT TRUE").format(bounds.inside) for bounds in within if bounds is not None]
    if len(taken) == len(twin.partitions):
        yield ViolationLook(
            table=str(twin.table.staged),
            violated=render(sql.SQL(" AND ").join(taken)),
            what="that none of `partitions` is for",
            then="Backfill ends with their keys, and contract cannot begin: add partitions for them, or a default one, "
            "or take them out before.",
        )


def _takes_every_row(change: PartitionTable) -> bool:
    """Whether there is a partition for whatever row."""
    forms = [b for b in change.partitions.values() if isinstance(b, PartitionBounds)]
    if change.by != "hash":
        return len(forms) < len(change.partitions)
    whole = lcm(*(b.modulus or 1 for b in forms))
    return sum(whole // (b.modulus or 1) for b in forms) == whole


def _mirrors(twin: TableTwin, change: PartitionTable) -> tuple[Mirror, Mirror]:
    """The twin follows the table until contract; from then on the hidden table follows the twin."""
    table, place = twin.table, twin.place
    forward = Mirror(
        plan=place.plan,
        name=place.name("sync"),
        source=table.name,
        target=twin.name,
        key=next((c.columns for c in table.constraints if c.kind == "primary"), ()),
        columns=tuple(c.name for c in table.columns if c.generated is None),
        truncated=(table.name,),
        unplaced="refused" if _takes_every_row(change) else "left out",
    )
    back = replace(
        forward,
        name=place.name("back"),
        target=twin.hidden,
        truncated=tuple(p.name for p in twin.partitions),
        unplaced="refused",
    )
    return forward, back


# Steps


def _expand(twin: TableTwin, forward: Mirror) -> Step:
    return Step(
        id=twin.place.id("twin"),
        part=Part.EXPAND,
        title=f"make a partitioned twin of {twin.table.name}, and let it follow by triggers",
        statements=(*table_twin.create(twin), *table_sync.create(forward)),
        undo=(
            *table_sync.let_go(forward),
            *table_sync.drop_functions(forward),
            _statement("DROP TABLE IF EXISTS {}", identifier(twin.name)),
        ),
        done=second_name.is_table(twin.name),
    )


def _rows(twin: TableTwin, forward: Mirror) -> RowCopy:
    names = tuple(render(sql.Identifier(c)) for c in forward.columns)
    columns = tuple(c.name for c in twin.table.columns)
    id_, table, ours = twin.place.id("rows"), twin.table.name, twin.name
    return RowCopy(
        id=id_,
        schema=table.schema,
        table=table.name,
        pending=render(table_sync.without_equal(forward, ours, columns)),
        write=Copy(
            into=render(identifier(ours)),
            columns=names,
            values=names,
            on_conflict=render(table_sync.conflict(forward)),
            locking="FOR NO KEY UPDATE",
        ),
        surplus=RowLook(
            id=id_,
            schema=ours.schema,
            table=ours.name,
            pending=render(table_sync.without_equal(forward, table, columns)),
        ),
    )


def _drop(twin: TableTwin, forward: Mirror, back: Mirror) -> Step:
    return Step(
        id=twin.place.id("drop"),
        part=Part.DROP,
        title=f"drop what {twin.table.name} was, with our triggers",
        statements=(
            *table_sync.let_go(back),
            *table_sync.drop_functions(back),
            *table_sync.drop_functions(forward),
            _statement("DROP TABLE IF EXISTS {}", identifier(twin.hidden)),
        ),
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(second_name.is_table(twin.hidden)))),
    )


def _partitioned(twin: TableTwin) -> Catalog:
    """The table as it is then; its partitions are known by name only."""
    key = sql.SQL("{} ({})").format(sql.SQL(twin.by.upper()), sql.SQL(", ").join(map(sql.Identifier, twin.key)))
    table = replace(
        twin.table,
        oid=0,
        kind="partitioned",
        partition_key=render(key),
        partition_key_columns=twin.key,
        partitions=tuple(p.name for p in twin.partitions),
        until_contract=twin.name,
        storage_parameters=(),
    )
    return twin.catalog.without_table(table.name).with_table(table)


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))
