"""A table and its twin exchange their names in one transaction, with all that goes over in that moment; and back.

Views go and come back; indexes, statistics, identities and owned sequences change hands; the users' triggers are made
on the twin, and those of the table are switched off; foreign keys of other tables are made again. Our own triggers turn
round: it is the hidden table that follows from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.constraints import foreign_key_copy, key_parts, unvalidated
from crossfade.operations.constraints.key_parts import KeyOf
from crossfade.operations.step import Guard, Part, Step, Turn
from crossfade.operations.sync import table_sync
from crossfade.operations.tables import second_name, table_sequences
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.twins.exchange import Move, alter_table
from crossfade.operations.views import recreate
from crossfade.operations.views.deparsed import repeatable
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.sync.table_sync import Mirror
    from crossfade.operations.tables.table_twin import Named, TableTwin
    from crossfade.postgres.catalog import Catalog, Constraint, ForeignKey, Table, Trigger
    from crossfade.postgres.catalog_views import View

_STATES = {
    "D": sql.SQL("DISABLE"),
    "O": sql.SQL("ENABLE"),
    "R": sql.SQL("ENABLE REPLICA"),
    "A": sql.SQL("ENABLE ALWAYS"),
}


def views_over(table: Table, catalog: Catalog) -> Iterator[View]:
    """Every view that would go on with the table that steps aside, and those on top, in the catalog's order."""
    gone = {table.name}
    for view in catalog.views:
        if any(use.relation in gone for use in view.uses):
            gone.add(view.name)
            yield view


def steps(twin: TableTwin, forward: Mirror, back: Mirror, views: tuple[View, ...]) -> tuple[Step, ...]:
    """The exchange, and what is known of foreign keys before and after it."""
    return (*_proofs(twin), _hide(twin, forward, back, views), *_validations(twin))


def _hide(twin: TableTwin, forward: Mirror, back: Mirror, views: tuple[View, ...]) -> Step:
    around = recreate.around(views)
    moves = (
        Move(do=around.before, undo=around.after),
        Move(do=tuple(table_sync.let_go(forward)), undo=tuple(table_sync.follow(forward))),
        *_references(twin),
        *_triggers_aside(twin),
        _names(twin),
        *_key_parts(twin),
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
        guards=(_later_columns(twin),),
    )


def _later_columns(twin: TableTwin) -> Guard:
    """Columns that somebody has added since then have no place in the table that comes back."""
    relation = render(identifier(twin.table.name))
    query = (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass({})"
        " AND a.attnum > 0 AND NOT a.attisdropped AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute h"
        " WHERE h.attrelid = pg_catalog.to_regclass({}) AND h.attname = a.attname AND NOT h.attisdropped))"
    )
    hidden = sql.Literal(render(identifier(twin.hidden)))
    return Guard(
        relation=relation,
        query=render(sql.SQL(query).format(sql.Literal(relation), hidden)),
        what=f"columns of {twin.table.name} that were added since it is partitioned, with their values",
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
            *(s for c in keys for s in unvalidated.comment_on(twin.table, c.name, c.comment)),
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


def _key_parts(twin: TableTwin) -> Iterator[Move]:
    """The twin's are called after the name that it had when they were made."""
    for key in twin.table.constraints:
        target = twin.catalog.table(key.referenced) if key.referenced is not None else None
        if target is not None and target.kind == "partitioned":
            names = (KeyOf(twin.table.name, key.name), KeyOf(twin.hidden, key.name))
            exchanged = key_parts.exchange_names(*names, twin.place.name("part", key.name))
            yield Move(do=(exchanged,), undo=(exchanged,))


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
    yield from unvalidated.comment_on(table, key.name, comment)


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
                done=unvalidated.holds(table, key.name),
                turn=Turn.AFTER,
            )


def _rename(table: QualifiedName, to: str) -> Statement:
    return _statement("ALTER TABLE {} RENAME TO {}", identifier(table), sql.Identifier(to))


def _comment_on(kind: LiteralString, name: QualifiedName, comment: str | None) -> Statement:
    return _statement("COMMENT ON {} {} IS {}", sql.SQL(kind), identifier(name), sql.Literal(comment))


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))
