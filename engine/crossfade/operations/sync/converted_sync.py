"""Two shapes of one table kept in step by triggers, where one is computed from the other: m old columns, n new ones.

A new column is a conversion of the old ones, an old column a conversion of the new ones: an assignment, as in
`ALTER COLUMN … TYPE` without USING, or an expression of the plan. Conversions may lose something (`lower(x)`, a
narrower type), so the shapes are in step where either side is the conversion of the other:

    INSERT  a new column is not NULL     backward   old := reverse(new)
            otherwise                    forward    new := using(old)
    UPDATE  a new column was changed     backward, unless it is what the old ones give, as the backfill writes it
            an old one was changed, or no new one has a value yet     forward
            otherwise                    nothing: what an unrelated update finds in step stays as it is

Where an early writer sets one of several new columns in such a row, the others are filled first.

An INSERT that gives the old columns nothing but their constant defaults is nobody's in particular: it goes forward, and
is not noted. Where a default is no constant no INSERT is noted.

A NULL in all new columns says "not written yet": that is how an early update of an unrelated column in a row that the
backfill has not reached fills the new shape instead of emptying the old one. A new writer's NULL stays NULL unless the
conversion of the old side's NULL is a value.

A forward conversion that fails does not fail the old version's write: the new columns stay NULL, the row counts as
pending, and the backfill names it. A backward one that fails is an error for the new version: the old version could
not read what it wrote. Once the old shape is hidden nobody reads it, so then its columns become NULL.

An expression of the plan becomes a function whose body is stored parsed (BEGIN ATOMIC), so that its names are settled
under the path of the role that started the run. In the trigger functions, which run with their owner's rights and
under the writer's path, every operator, function and type is named with its schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.sync import row_triggers, shape_looks
from crossfade.operations.sync.noting import note
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.sync.plan_defaults import comparison
from crossfade.operations.sync.row_triggers import RowTrigger
from crossfade.operations.sync.sameness import differs
from crossfade.operations.sync.shape_sync import Row, by_source, columns_of, columns_read, function_of
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import PairTrigger
    from crossfade.operations.sync.shape_sync import Conversion, ShapeSync


def _old_written(sync: ShapeSync, row: Row) -> sql.Composed:
    """Whether an INSERT gave an old column a value of its own; what it left to a default is nobody's in particular."""
    by_name = {c.column: c for c in sync.old}

    def told(column: str) -> sql.Composable:
        if by_name[column].default is None:
            return row.is_written(column)
        return sql.SQL("{}({})").format(_written(sync, by_name[column]), row.field("NEW", column))

    return row.any_of(by_name, told)


def _written(sync: ShapeSync, conversion: Conversion) -> sql.Identifier:
    return row_triggers.own_function(
        sync.place.name("written", sync.table.schema, sync.table.name, sync.old_names, conversion.column)
    )


def _with_default(sync: ShapeSync) -> tuple[Conversion, ...]:
    """The old columns whose values have to be compared with their defaults."""
    return tuple(c for c in sync.old if c.default is not None and sync.told_apart)


def _guarded(conversions: tuple[Conversion, ...], row: Row, otherwise: sql.Composable) -> sql.Composed:
    """Assignments that leave their columns NULL where one fails."""
    if not any(c.fallible for c in conversions):
        return row.assign(conversions)
    return sql.SQL("BEGIN {} EXCEPTION WHEN OTHERS THEN {}{} END;").format(
        row.assign(conversions), row.empty(conversions), otherwise
    )


def _note(sync: ShapeSync, event: str, kind: str, condition: sql.Composable) -> sql.Composable:
    if not sync.told_apart and kind in ("legacy", "conflict"):
        return sql.SQL("")
    if event == "INSERT" and not sync.inserts_told and kind in ("legacy", "conflict"):
        return sql.SQL("")
    return note(
        plan=sync.place.plan,
        kind=kind,
        about=sync.old_names,
        setting=sync.name("noted"),
        condition=condition,
        once_a_second=kind == "legacy",
    )


def _body(sync: ShapeSync, event: str, names: Mapping[str, str]) -> sql.Composed:
    """The function of one event while both shapes are served."""
    row = Row(sync, names)
    nothing = sql.SQL("")
    forward = _guarded(sync.new, row, nothing)
    written = row.any_of(columns_of(sync.new), row.is_written)
    if event == "INSERT":
        old_written = _old_written(sync, row)
        return sql.SQL("BEGIN IF {} THEN{} {} ELSE{} {} END IF; RETURN NEW; END").format(
            written,
            _note(sync, event, "conflict", old_written),
            row.assign(sync.old),
            _note(sync, event, "legacy", old_written),
            forward,
        )
    old_changed = row.any_of(sync.watched, row.changed)
    return sql.SQL(
        "BEGIN IF {new_changed} THEN {unless_in_step}{conflict} {others} {backward} "
        "IF NOT {written} THEN {forward} END IF; {end}"
        "ELSIF {old_changed} OR NOT {written} THEN{legacy} {forward} END IF; RETURN NEW; END"
    ).format(
        new_changed=row.any_of(columns_of(sync.new), row.changed),
        unless_in_step=nothing if sync.lossless else _if_apart(sync, row, old_changed),
        end=sql.SQL("" if sync.lossless else "END IF; "),
        conflict=_note(sync, event, "conflict", old_changed),
        others=_fill_others(sync, row),
        backward=row.assign(sync.old),
        written=written,
        old_changed=old_changed,
        legacy=_note(sync, event, "legacy", old_changed),
        forward=forward,
    )


def _if_apart(sync: ShapeSync, row: Row, old_changed: sql.Composable) -> sql.Composed:
    """What the old columns give has come from them: to go the way back would lose what the new shape cannot tell."""
    columns = sql.SQL(", ").join(row.field("NEW", column) for column in columns_read(sync))
    apart = row_triggers.own_function(sync.name("apart"))
    return sql.SQL("IF {} OR {}({}) THEN").format(old_changed, apart, columns)


def _fill_others(sync: ShapeSync, row: Row) -> sql.Composable:
    """One of several new columns was written in a row that is not filled yet: the others are filled first."""
    if len(sync.new) == 1:
        return sql.SQL("")
    unwritten = sql.SQL(" AND ").join(sql.SQL("{} IS NULL").format(row.field("OLD", c.column)) for c in sync.new)
    each = sql.SQL(" ").join(
        sql.SQL("IF NOT {} THEN {} END IF;").format(row.changed(c.column), _guarded((c,), row, sql.SQL("")))
        for c in sync.new
    )
    return sql.SQL("IF {} THEN {} END IF;").format(unwritten, each)


def _settled_body(sync: ShapeSync, event: str, names: Mapping[str, str]) -> sql.Composed:
    """The function of one event once the old shape is hidden: it only follows.

    A hidden column has no default, so where an INSERT gives it a value, that was meant by its place in a list without
    names: it is carried over as before.
    """
    row = Row(sync, names)
    lost = _note(sync, event, "unrepresentable", sql.SQL("true"))
    if event == "INSERT":
        backward = _guarded(sync.old, row, lost)
        forward = _guarded(sync.new, row, sql.SQL(""))
        given = row.any_of(columns_of(sync.old), row.is_written)
        return sql.SQL("BEGIN IF {} THEN {} ELSE {} END IF; RETURN NEW; END").format(given, forward, backward)
    # Each old column by itself: another one may hold what the new shape has no value for. One that is made of nothing
    # has what it has.
    followed = sql.SQL(" ").join(
        sql.SQL("IF {} THEN {} END IF;").format(row.any_of(made_of, row.changed), _guarded(together, row, lost))
        for made_of, together in by_source(sync.old)
        if made_of
    )
    return sql.SQL("BEGIN {} RETURN NEW; END").format(followed)


def _triggers(sync: ShapeSync) -> tuple[RowTrigger, ...]:
    by_name = {c.column: c for c in (*sync.old, *sync.new)}

    def changed(column: str) -> sql.Composable:
        exact = column in by_name and by_name[column].exact
        identifier = sql.Identifier(column)
        return differs(sql.SQL("NEW.{}").format(identifier), sql.SQL("OLD.{}").format(identifier), exact=exact)

    columns = dict.fromkeys((*sync.watched, *columns_of(sync.new)))
    unwritten = sql.SQL(" AND ").join(sql.SQL("NEW.{} IS NULL").format(sql.Identifier(c.column)) for c in sync.new)
    when = sql.SQL("{} OR ({})").format(sql.SQL(" OR ").join(changed(c) for c in columns), unwritten)
    return (
        RowTrigger(name=f"~{sync.name('sync')}_insert", event="INSERT", function=sync.name("insert")),
        RowTrigger(name=f"~{sync.name('sync')}_update", event="UPDATE", function=sync.name("update"), when=when),
    )


def _comparisons(sync: ShapeSync) -> Iterator[Statement]:
    """With each default, by names that are settled now."""
    for conversion in _with_default(sync):
        if conversion.default is not None:
            yield from comparison(
                _written(sync, conversion), conversion.type, conversion.default, exact=conversion.exact
            )


def _conversion_functions(sync: ShapeSync) -> Iterator[Statement]:
    expressions = [c for c in (*sync.new, *sync.old) if c.expression is not None]
    if not expressions:
        return
    yield USERS_PATH
    for conversion in expressions:
        arguments = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(sync.types[name])) for name in conversion.source
        )
        yield Statement(
            text=render(
                sql.SQL("CREATE FUNCTION {}({}) RETURNS {} LANGUAGE sql STABLE BEGIN ATOMIC SELECT {}; END").format(
                    function_of(sync, conversion),
                    arguments,
                    sql.SQL(conversion.type),
                    sql.SQL(conversion.expression or ""),
                )
            )
        )
    yield OUR_PATH


def assignment(sync: ShapeSync) -> sql.Composable:
    """The SET list that fills the new shape."""

    def value(conversion: Conversion) -> sql.Composable:
        if conversion.expression is None:
            return sql.Identifier(conversion.source[0])
        arguments = sql.SQL(", ").join(map(sql.Identifier, conversion.source))
        return sql.SQL("{}({})").format(function_of(sync, conversion), arguments)

    return sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(c.column), value(c)) for c in sync.new)


def create(sync: ShapeSync) -> Iterator[Statement]:
    """Functions and triggers, with comments that name the run; the columns have to be there."""
    plan = sync.place.plan
    yield from _conversion_functions(sync)
    yield from _comparisons(sync)
    yield from shape_looks.functions(sync)
    yield from serve_both(sync)
    for signature in _signatures(sync):
        yield from row_triggers.close_function(plan, signature)
    yield from row_triggers.create(plan, sync.members, _triggers(sync))


def serve_both(sync: ShapeSync) -> Iterator[Statement]:
    """The trigger functions while both shapes are served."""
    yield row_triggers.replace_function(sync.name("insert"), _body(sync, "INSERT", {}))
    yield row_triggers.replace_function(sync.name("update"), _body(sync, "UPDATE", {}))


def follow(sync: ShapeSync, names: Mapping[str, str]) -> Iterator[Statement]:
    """The trigger functions once the old shape is hidden; `names` are those that columns have from now on."""
    yield row_triggers.replace_function(sync.name("insert"), _settled_body(sync, "INSERT", names))
    yield row_triggers.replace_function(sync.name("update"), _settled_body(sync, "UPDATE", names))


def drop(sync: ShapeSync) -> Iterator[Statement]:
    """Triggers and functions away; does nothing where they are gone."""
    yield from row_triggers.drop(sync.members, _triggers(sync))
    # Without the types of their arguments, which may have other names by now; ours are the only ones of their names.
    yield from row_triggers.drop_functions(_functions(sync))


def in_place(sync: ShapeSync) -> tuple[PairTrigger, ...]:
    """What a gate looks for before it believes that no write of the old shape happened."""
    return row_triggers.in_place(sync.members, _triggers(sync))


def _signatures(sync: ShapeSync) -> Iterator[sql.Composable]:
    """Every function of the sync, with the types of its arguments."""
    for event in ("insert", "update"):
        yield sql.SQL("{}()").format(row_triggers.own_function(sync.name(event)))
    for asked, columns in shape_looks.names(sync).items():
        yield _signed(row_triggers.own_function(sync.name(asked)), [sync.types[c] for c in columns])
    for conversion in (*sync.new, *sync.old):
        if conversion.expression is not None:
            yield _signed(function_of(sync, conversion), [sync.types[name] for name in conversion.source])
    for conversion in _with_default(sync):
        yield _signed(_written(sync, conversion), [conversion.type])


def _functions(sync: ShapeSync) -> Iterator[sql.Composable]:
    """The same functions by their names."""
    yield from (row_triggers.own_function(sync.name(event)) for event in ("insert", "update"))
    yield from (row_triggers.own_function(sync.name(asked)) for asked in shape_looks.names(sync))
    yield from (function_of(sync, c) for c in (*sync.new, *sync.old) if c.expression is not None)
    yield from (_written(sync, c) for c in _with_default(sync))


def _signed(function: sql.Identifier, types: Iterable[str]) -> sql.Composed:
    return sql.SQL("{}({})").format(function, sql.SQL(", ").join(map(sql.SQL, types)))
