"""Sequences of a table whose place is taken by another one: both hold on to the same numbers.

A sequence that a column owns is handed over. An identity's cannot be: the other table gets one of its own under the
name, at the position of the old one, which keeps a name of ours. Nobody draws a number meanwhile: renaming a sequence
waits for those who do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.rights import sequence_rights
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.twins.exchange import Move
from crossfade.postgres.catalog import Column, QualifiedName, Sequence
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place


def moves(place: Place, columns: tuple[Column, ...], table: QualifiedName, hidden: QualifiedName) -> Iterator[Move]:
    """For the transaction in which the tables have exchanged their names: one for each sequence."""
    for column in columns:
        for sequence in column.sequences:
            if column.identity is not None and sequence.name == column.identity.sequence:
                yield _identity(place, column, sequence, table)
            elif sequence.name in column.owned_sequences:
                yield Move(
                    do=(_owned_by(sequence, table, column),),
                    undo=(_owned_by(sequence, hidden, column),),
                )


def _owned_by(sequence: Sequence, table: QualifiedName, column: Column) -> Statement:
    place = sql.Identifier(table.schema, table.name, column.name)
    return _statement("ALTER SEQUENCE {} OWNED BY {}", identifier(sequence.name), place)


def _identity(place: Place, column: Column, sequence: Sequence, table: QualifiedName) -> Move:
    hidden = QualifiedName(sequence.name.schema, place.name("old", "SEQUENCE", sequence.name.name))
    always = column.identity is not None and column.identity.always
    made = _statement(
        "ALTER TABLE {} ALTER COLUMN {} ADD GENERATED {} AS IDENTITY (SEQUENCE NAME {} {})",
        identifier(table),
        sql.Identifier(column.name),
        sql.SQL("ALWAYS" if always else "BY DEFAULT"),
        identifier(sequence.name),
        _options(sequence),
    )
    comment = () if sequence.comment is None else (_comment(sequence.name, sequence.comment),)
    return Move(
        do=(
            _rename(sequence.name, hidden.name),
            _comment(hidden, place.mark),
            made,
            _position(sequence.name, hidden),
            *(Statement(text=render(right)) for right in sequence_rights.rights(sequence)),
            *comment,
        ),
        undo=(
            # It changes nothing, and waits for those who draw from it.
            _statement("ALTER SEQUENCE {} CACHE {}", identifier(sequence.name), sql.Literal(sequence.cache)),
            _position(hidden, sequence.name),
            _statement("ALTER TABLE {} ALTER COLUMN {} DROP IDENTITY", identifier(table), sql.Identifier(column.name)),
            _comment(hidden, sequence.comment),
            _rename(hidden, sequence.name.name),
        ),
    )


def _position(to: QualifiedName, of: QualifiedName) -> Statement:
    return _statement(
        "SELECT pg_catalog.setval({}, last_value, is_called) FROM {}",
        sql.Literal(render(identifier(to))),
        identifier(of),
    )


def _rename(sequence: QualifiedName, to: str) -> Statement:
    return _statement("ALTER SEQUENCE {} RENAME TO {}", identifier(sequence), sql.Identifier(to))


def _comment(sequence: QualifiedName, comment: str | None) -> Statement:
    return _statement("COMMENT ON SEQUENCE {} IS {}", identifier(sequence), sql.Literal(comment))


def _options(sequence: Sequence) -> sql.Composed:
    return sql.SQL("START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {} CACHE {} {}").format(
        sql.Literal(sequence.start),
        sql.Literal(sequence.increment),
        sql.Literal(sequence.minimum),
        sql.Literal(sequence.maximum),
        sql.Literal(sequence.cache),
        sql.SQL("CYCLE" if sequence.cycles else "NO CYCLE"),
    )


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))
