"""Whether the two shapes of a row are in step, as functions and predicates of a server. Pure; see `converted_sync`.

apart     while both are served: neither side is the conversion of the other
behind    once the old shape is hidden: its columns are not what the triggers make of the new ones
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.sync import row_triggers
from crossfade.operations.sync.sameness import same
from crossfade.operations.sync.shape_sync import Row, by_source, columns_of, columns_read
from crossfade.postgres.forecast.type_names import parse_type
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.sync.shape_sync import Conversion, ShapeSync


def functions(sync: ShapeSync) -> Iterator[Statement]:
    """Makes the functions that the predicates call."""
    if not sync.lossless:
        yield _apart(sync)
    yield _behind(sync)


def names(sync: ShapeSync) -> Mapping[str, tuple[str, ...]]:
    """The functions by what is asked, each with the columns that it takes."""
    apart = {} if sync.lossless else {"apart": columns_read(sync)}
    return {**apart, "behind": _compared(sync)}


def _apart(sync: ShapeSync) -> Statement:
    """A function over the columns of a row: are its two shapes out of step?"""
    arguments = {column: f"a{number}" for number, column in enumerate(columns_read(sync))}
    row = Row(sync, {}, arguments)
    made = {c.column: sql.Identifier(f"made{number}") for number, c in enumerate((*sync.new, *sync.old))}

    def makes(conversions: tuple[Conversion, ...]) -> sql.Composed:
        assigned = (sql.SQL("{} := {};").format(made[c.column], row.value(c)) for c in conversions)
        compared = (same(row.field("NEW", c.column), made[c.column], exact=c.exact) for c in conversions)
        return sql.SQL("BEGIN {} IF {} THEN RETURN false; END IF; EXCEPTION WHEN OTHERS THEN NULL; END;").format(
            sql.SQL(" ").join(assigned), sql.SQL(" AND ").join(compared)
        )

    declared = (
        sql.SQL("{} {}.{}%TYPE;").format(made[c.column], _relation(sync), sql.Identifier(c.column))
        for c in (*sync.new, *sync.old)
    )
    written = row.any_of(columns_of(sync.new), row.is_written)
    body = sql.SQL("DECLARE {} BEGIN {} IF {} THEN {} END IF; RETURN true; END").format(
        sql.SQL(" ").join(declared), makes(sync.new), written, makes(sync.old)
    )
    taken = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(argument), sql.SQL(sync.types[column]))
        for column, argument in arguments.items()
    )
    return Statement(
        text=render(
            sql.SQL("CREATE FUNCTION {}({}) RETURNS bool LANGUAGE plpgsql STABLE AS {}").format(
                row_triggers.own_function(sync.name("apart")), taken, sql.Literal(render(body))
            )
        )
    )


def _behind(sync: ShapeSync) -> Statement:
    """A function over the columns of a row: are its old columns not what the triggers make of the new ones?

    Asked once the old shape is hidden. A value that the old shape cannot hold is NULL there, and what came from the old
    side may be more than the way back would give.
    """
    arguments = {column: f"a{number}" for number, column in enumerate(_compared(sync))}
    row = Row(sync, {}, arguments)
    made = {c.column: sql.Identifier(f"made{number}") for number, c in enumerate((*sync.new, *sync.old))}

    def makes(conversions: tuple[Conversion, ...]) -> sql.Composed:
        return sql.SQL(" ").join(sql.SQL("{} := {};").format(made[c.column], row.value(c)) for c in conversions)

    def agree(conversions: tuple[Conversion, ...]) -> sql.Composed:
        return sql.SQL(" AND ").join(
            same(row.field("NEW", c.column), made[c.column], exact=c.exact) for c in conversions
        )

    def differ(source: tuple[str, ...], old: tuple[Conversion, ...]) -> sql.Composed:
        new = tuple(c for c in sync.new if c.column in source)
        forward = sql.SQL("BEGIN {} apart := NOT ({}); EXCEPTION WHEN OTHERS THEN NULL; END;").format(
            makes(new), agree(new)
        )
        return sql.SQL(
            "apart := true; {} IF apart THEN "
            "BEGIN {} apart := NOT ({}); EXCEPTION WHEN OTHERS THEN apart := {}; END; END IF; "
            "IF apart THEN RETURN true; END IF;"
        ).format(forward if new else sql.SQL(""), makes(old), agree(old), row.any_of(columns_of(old), row.is_written))

    declared = (
        sql.SQL("{} {};").format(made[c.column], _lasting(c.type, arguments[c.column])) for c in (*sync.new, *sync.old)
    )
    body = sql.SQL("DECLARE apart pg_catalog.bool; {} BEGIN {} RETURN false; END").format(
        sql.SQL(" ").join(declared),
        sql.SQL(" ").join(differ(source, old) for source, old in by_source(sync.old) if source),
    )
    taken = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(argument), sql.SQL(sync.types[column]))
        for column, argument in arguments.items()
    )
    return Statement(
        text=render(
            sql.SQL("CREATE FUNCTION {}({}) RETURNS bool LANGUAGE plpgsql STABLE AS {}").format(
                row_triggers.own_function(sync.name("behind")), taken, sql.Literal(render(body))
            )
        )
    )


def _lasting(spelling: str, argument: str) -> sql.Composable:
    """The type, whatever types exchange their names later.

    An argument's stays what it is, but has no modifiers, to which a value is rounded or padded: PostgreSQL's own types
    are spelled.
    """
    if parse_type(spelling).built_in:
        return sql.SQL(spelling)
    return sql.SQL("{}%TYPE").format(sql.Identifier(argument))


def _compared(sync: ShapeSync) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*columns_read(sync), *columns_of(sync.old))))


def rows_behind(sync: ShapeSync, names: Mapping[str, str]) -> sql.Composable:
    """The predicate that is looked for before a revert; `names` are those that columns have once the old are hidden."""
    columns = sql.SQL(", ").join(sql.Identifier(names.get(column, column)) for column in _compared(sync))
    return sql.SQL("{}({})").format(row_triggers.own_function(sync.name("behind")), columns)


def _relation(sync: ShapeSync) -> sql.Identifier:
    return sql.Identifier(sync.table.schema, sync.table.name)


def pending_rows(sync: ShapeSync) -> sql.Composable:
    """The predicate of the backfill and of the verification: the two shapes are not in step. It never fails."""
    if sync.lossless:
        differences = (
            sql.SQL("{} IS DISTINCT FROM {}::{}").format(
                sql.Identifier(new.column), sql.Identifier(old.column), sql.SQL(new.type)
            )
            for new, old in zip(sync.new, sync.old, strict=True)
        )
        return sql.SQL("({})").format(sql.SQL(" OR ").join(differences))
    columns = sql.SQL(", ").join(map(sql.Identifier, columns_read(sync)))
    return sql.SQL("{}({})").format(row_triggers.own_function(sync.name("apart")), columns)
