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

from collections.abc import Iterator
from dataclasses import replace
from math import lcm
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations import (
    constraints,
    foreign_key_copy,
    partition_table_preflight,
    recreate,
    second_name,
    table_sequences,
    table_sync,
    table_twin,
)
from crossfade.operations.deparsed import repeatable
from crossfade.operations.exchange import Move, alter_table, analyze
from crossfade.operations.second_name import identifier
from crossfade.operations.step import Compiled, Copy, Part, RowCopy, RowLook, Step, Turn
from crossfade.operations.table_preflight import table_refusals
from crossfade.operations.table_sync import Mirror
from crossfade.operations.table_twin import Named, Partition, TableTwin
from crossfade.plan.changes.partition_table import PartitionBounds
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import PartitionTable
    from crossfade.plan.changes.partition_table import Bounds, Scalar
    from crossfade.postgres.catalog import Catalog, Constraint, ForeignKey, Table, Trigger
    from crossfade.postgres.catalog_views import View

_ENDS = {"MINVALUE": sql.SQL("MINVALUE"), "MAXVALUE": sql.SQL("MAXVALUE")}
_STATES = {
    "D": sql.SQL("DISABLE"),
    "O": sql.SQL("ENABLE"),
    "R": sql.SQL("ENABLE REPLICA"),
    "A": sql.SQL("ENABLE ALWAYS"),
}


def compile_change(change: PartitionTable, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one such change against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    views = tuple(_views_over(table, catalog))
    refusals = tuple(partition_table_preflight.refusals(change, table, views, catalog))
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
    return Compiled(
        steps=(
            _expand(twin, forward),
            analyze(place, replace(table, name=twin.name), tuple(c.name for c in table.columns)),
            *_proofs(twin),
            _hide(twin, forward, back, views),
            *_validations(twin),
            _drop(twin, forward, back),
        ),
        copies=(_rows(twin, forward),),
        refusals=refusals,
        cautions=tuple(
            partition_table_preflight.cautions(table, every_row_placed=forward.unplaced == "refused")
        ),
        catalog=_partitioned(twin),
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


def _views_over(table: Table, catalog: Catalog) -> Iterator[View]:
    """Every view that would go on with the table that steps aside, and those on top, in the catalog's order."""
    gone = {table.name}
    for view in catalog.views:
        if any(use.relation in gone for use in view.uses):
            gone.add(view.name)
            yield view


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


def _hide(twin: TableTwin, forward: Mirror, back: Mirror, views: tuple[View, ...]) -> Step:
    around = recreate.around(views)
    moves = (
        Move(do=around.before, undo=around.after),
        Move(do=tuple(table_sync.let_go(forward)), undo=tuple(table_sync.follow(forward))),
        *_references(twin),
        *_triggers_aside(twin),
        _names(twin),
        *table_sequences.moves(twin.place, twin.table.columns, twin.table.name, twin.hidden),
        *_triggers(twin),
        Move(
            do=tuple(table_sync.create(back)),
            undo=(*table_sync.let_go(back), *table_sync.drop_functions(back)),
        ),
        *_references_back(twin),
        Move(do=around.after, undo=around.before),
    )
    return Step(
        id=twin.place.id("hide"),
        part=Part.HIDE,
        title=f"the partitioned twin takes the place of {twin.table.name}; the old table steps aside, still in step",
        statements=tuple(s for move in moves for s in move.do),
        undo=tuple(s for move in reversed(moves) for s in move.undo),
        done=second_name.is_table(twin.hidden),
    )


def _names(twin: TableTwin) -> Move:
    """All names change hands; what is hidden says whose it is, and what comes has the user's comment."""
    name, comment, mark = twin.table.name, twin.table.comment, twin.place.mark
    named, keys = twin.named, tuple(c for c in twin.table.constraints if c.index is not None)
    return Move(
        do=(
            _rename(name, twin.hidden.name),
            _comment_on("TABLE", twin.hidden, mark),
            *(s for n in named for s in _called(twin, n, n.name, n.hidden, n.comment)),
            _rename(twin.name, name.name),
            _comment_on("TABLE", name, comment),
            *(s for n in named for s in _called(twin, n, n.twin, n.name, n.comment)),
            *(s for c in keys for s in constraints.comment_on(twin.table, c.name, c.comment)),
            *(_comment_on("TABLE", p.name, None) for p in twin.partitions),
        ),
        undo=(
            *(_comment_on("TABLE", p.name, mark) for p in twin.partitions),
            *(_no_comment(twin.table, c) for c in keys if c.comment is not None),
            *(s for n in named for s in _called(twin, n, n.name, n.twin, mark)),
            _comment_on("TABLE", name, mark),
            _rename(name, twin.name.name),
            *(s for n in named for s in _called(twin, n, n.hidden, n.name, n.comment)),
            _comment_on("TABLE", twin.hidden, comment),
            _rename(twin.hidden, name.name),
        ),
    )


def _called(twin: TableTwin, named: Named, source: str, target: str, comment: str | None) -> Iterator[Statement]:
    """Another name for an index or statistics, and the comment that goes with it."""
    schema = twin.table.name.schema
    alter = "ALTER INDEX {} RENAME TO {}" if named.kind == "INDEX" else "ALTER STATISTICS {} RENAME TO {}"
    yield _statement(alter, sql.Identifier(schema, source), sql.Identifier(target))
    yield _comment_on(named.kind, QualifiedName(schema, target), comment)


def _no_comment(table: Table, constraint: Constraint) -> Statement:
    name = sql.Identifier(constraint.name)
    return _statement("COMMENT ON CONSTRAINT {} ON {} IS NULL", name, identifier(table.name))


# The users' triggers: on the hidden table they would fire for what our triggers write.


def _triggers_aside(twin: TableTwin) -> Iterator[Move]:
    for trigger in twin.table.triggers:
        name = sql.Identifier(trigger.name)
        yield Move(
            do=(alter_table(twin.table, sql.SQL("DISABLE TRIGGER {}").format(name)),),
            undo=(_state(twin, trigger),),
        )


def _triggers(twin: TableTwin) -> Iterator[Move]:
    for trigger in twin.table.triggers:
        name, relation = sql.Identifier(trigger.name), identifier(twin.table.name)
        state = () if trigger.enabled == "O" else (_state(twin, trigger),)
        comment = (
            ()
            if trigger.comment is None
            else (_statement("COMMENT ON TRIGGER {} ON {} IS {}", name, relation, sql.Literal(trigger.comment)),)
        )
        yield Move(
            do=(Statement(text=repeatable(trigger.definition)), *state, *comment),
            undo=(_statement("DROP TRIGGER IF EXISTS {} ON {}", name, relation),),
        )


def _state(twin: TableTwin, trigger: Trigger) -> Statement:
    action = sql.SQL("{} TRIGGER {}").format(_STATES[trigger.enabled], sql.Identifier(trigger.name))
    return alter_table(twin.table, action)


# Foreign keys of other tables


def _incoming(twin: TableTwin) -> Iterator[tuple[ForeignKey, Table]]:
    for key in twin.table.incoming_foreign_keys:
        table = twin.catalog.table(key.table)
        if table is not None and key.table != twin.table.name:
            yield key, table


def _references(twin: TableTwin) -> Iterator[Move]:
    """Away from the table, and back to it last of all."""
    for key, table in _incoming(twin):
        yield Move(do=(_drop_key(table, key),), undo=tuple(_add_key(table, key)))


def _references_back(twin: TableTwin) -> Iterator[Move]:
    for key, table in _incoming(twin):
        yield Move(do=tuple(_add_key(table, key)), undo=(_drop_key(table, key),))


def _drop_key(table: Table, key: ForeignKey) -> Statement:
    return alter_table(table, sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(sql.Identifier(key.name)))


def _add_key(table: Table, key: ForeignKey) -> Iterator[Statement]:
    definition = sql.SQL(foreign_key_copy.over_columns(key.definition, {}, {}))
    name = sql.Identifier(key.name)
    yield alter_table(table, sql.SQL("ADD CONSTRAINT {} {} NOT VALID").format(name, definition))
    comment = next((c.comment for c in table.constraints if c.name == key.name), None)
    yield from constraints.comment_on(table, key.name, comment)


def _proofs(twin: TableTwin) -> Iterator[Step]:
    """Nothing on the way there, where they hold already; on the way back they are validated last of all."""
    for step in _validations(twin):
        yield replace(
            step,
            id=f"{step.id}/before",
            title=step.title.replace("validate", "know to hold", 1),
            undo=step.statements,
            turn=Turn.BEFORE,
        )


def _validations(twin: TableTwin) -> Iterator[Step]:
    for key, table in _incoming(twin):
        if key.validated:
            action = sql.SQL("VALIDATE CONSTRAINT {}").format(sql.Identifier(key.name))
            yield Step(
                id=twin.place.id(f"references/{key.table}.{key.name}"),
                part=Part.HIDE,
                title=f"validate foreign key {key.name} of {key.table} while everybody goes on",
                statements=(alter_table(table, action),),
                done=constraints.holds(table, key.name),
                turn=Turn.AFTER,
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


def _rename(table: QualifiedName, to: str) -> Statement:
    return _statement("ALTER TABLE {} RENAME TO {}", identifier(table), sql.Identifier(to))


def _comment_on(kind: str, name: QualifiedName, comment: str | None) -> Statement:
    return _statement("COMMENT ON {} {} IS {}", sql.SQL(kind), identifier(name), sql.Literal(comment))


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))
