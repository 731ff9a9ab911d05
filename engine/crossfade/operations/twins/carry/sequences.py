"""Sequences of a column: one that it owns goes over to the twin, one of its identity is made again as the twin's.

Both get the wider type as `ALTER COLUMN … TYPE` gives it to an identity's sequence: a limit that was the old type's own
becomes the new one's. An identity cannot be handed over, so the new one takes over name, position, options, rights and
comment of the old one's sequence in the transaction that exchanges the names; a sequence of ours keeps the position in
between. Nobody draws a number meanwhile: the old sequence is locked first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.rights import sequence_rights
from crossfade.operations.twins.exchange import Carried, Exchange, Move, Twin
from crossfade.postgres.catalog import QualifiedName, Sequence
from crossfade.postgres.own_names import LEDGER_SCHEMA
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import DataType

INTEGERS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
"""The types that a sequence can have, and the greatest value of each."""


def carry(exchange: Exchange) -> Carried:
    """Identities before and after the names are exchanged, owned sequences after."""
    identities = tuple(t for t in exchange.twins if t.column.identity is not None)
    return Carried(
        before=tuple(move for twin in identities for move in _take(exchange, twin)),
        after=(
            *(move for twin in identities for move in _give(exchange, twin)),
            *(_hand_over(exchange, twin, sequence) for twin in exchange.twins for sequence in _owned(twin)),
        ),
        refusals=tuple(_refusals(exchange, identities)),
    )


def _refusals(exchange: Exchange, identities: tuple[Twin, ...]) -> Iterator[Refusal]:
    for twin in identities:
        if twin.type.spelling not in INTEGERS:
            yield Refusal(
                code="identity_type",
                object=f"{exchange.table.name}.{twin.column.name}",
                message=f"it is an identity column, which cannot be {twin.type.spelling}.",
                instead="Choose smallint, integer or bigint, or ALTER COLUMN … DROP IDENTITY first.",
            )


def widened(sequence: Sequence, data_type: str) -> Sequence:
    """The sequence of another type, with the limits that ALTER SEQUENCE … AS gives it."""
    old, new = INTEGERS[sequence.type], INTEGERS[data_type]
    return replace(
        sequence,
        type=data_type,
        maximum=new if sequence.maximum == old else sequence.maximum,
        minimum=-new - 1 if sequence.minimum == -old - 1 else sequence.minimum,
    )


# Identities


def _identity_sequence(twin: Twin) -> Iterator[Sequence]:
    identity = twin.column.identity
    yield from (s for s in twin.column.sequences if identity is not None and s.name == identity.sequence)


def _take(exchange: Exchange, twin: Twin) -> Iterator[Move]:
    """The old identity goes; on the way back it is made again, last of all."""
    for sequence in _identity_sequence(twin):
        yield Move(
            do=(*_keep_position(exchange, sequence), _drop_identity(exchange, twin.column.name)),
            undo=_make_identity(exchange, twin, twin.column.name, sequence),
        )


def _give(exchange: Exchange, twin: Twin) -> Iterator[Move]:
    for sequence in _identity_sequence(twin):
        if twin.type.spelling in INTEGERS:
            yield Move(
                do=_make_identity(exchange, twin, twin.final, widened(sequence, twin.type.spelling)),
                undo=(*_keep_position(exchange, sequence), _drop_identity(exchange, twin.final)),
            )


def _position(exchange: Exchange, sequence: Sequence) -> QualifiedName:
    """The sequence of ours that knows how far the users' is."""
    return QualifiedName(LEDGER_SCHEMA, exchange.own_name("position", sequence.name.schema, sequence.name.name))


def _identifier(name: QualifiedName) -> sql.Identifier:
    return sql.Identifier(name.schema, name.name)


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))


def _keep_position(exchange: Exchange, sequence: Sequence) -> tuple[Statement, ...]:
    ours, users = _position(exchange, sequence), _identifier(sequence.name)
    return (
        # It changes nothing, and waits for those who draw from it.
        _statement("ALTER SEQUENCE {} CACHE {}", users, sql.Literal(sequence.cache)),
        _statement("CREATE SEQUENCE {} MINVALUE {}", _identifier(ours), sql.Literal(-(2**63))),
        _set_position(ours, sequence.name),
    )


def _set_position(to: QualifiedName, of: QualifiedName) -> Statement:
    return _statement(
        "SELECT pg_catalog.setval({}, last_value, is_called) FROM {}",
        sql.Literal(render(_identifier(to))),
        _identifier(of),
    )


def _drop_identity(exchange: Exchange, column: str) -> Statement:
    return exchange.alter(sql.SQL("ALTER COLUMN {} DROP IDENTITY").format(sql.Identifier(column)))


def _make_identity(exchange: Exchange, twin: Twin, column: str, sequence: Sequence) -> tuple[Statement, ...]:
    identity = twin.column.identity
    made = sql.SQL("ALTER COLUMN {} ADD GENERATED {} AS IDENTITY (SEQUENCE NAME {} {})").format(
        sql.Identifier(column),
        sql.SQL("ALWAYS" if identity is not None and identity.always else "BY DEFAULT"),
        _identifier(sequence.name),
        _options(sequence),
    )
    ours = _position(exchange, sequence)
    return (
        exchange.alter(made),
        _set_position(sequence.name, ours),
        *(Statement(text=render(right)) for right in sequence_rights.rights(sequence)),
        *_comment(sequence),
        _statement("DROP SEQUENCE {}", _identifier(ours)),
    )


def _options(sequence: Sequence) -> sql.Composable:
    options = sql.SQL("START WITH {} INCREMENT BY {} MINVALUE {} MAXVALUE {} CACHE {} {}")
    return options.format(
        sql.Literal(sequence.start),
        sql.Literal(sequence.increment),
        sql.Literal(sequence.minimum),
        sql.Literal(sequence.maximum),
        sql.Literal(sequence.cache),
        sql.SQL("CYCLE" if sequence.cycles else "NO CYCLE"),
    )


def _comment(sequence: Sequence) -> Iterator[Statement]:
    if sequence.comment is not None:
        yield _statement("COMMENT ON SEQUENCE {} IS {}", _identifier(sequence.name), sql.Literal(sequence.comment))


# Owned ones


def _owned(twin: Twin) -> Iterator[Sequence]:
    yield from (s for s in twin.column.sequences if s.name in twin.column.owned_sequences)


def _hand_over(exchange: Exchange, twin: Twin, sequence: Sequence) -> Move:
    return Move(
        do=(_owned_by(exchange, twin.final, sequence), *_as(sequence, _grown(sequence, twin.type))),
        undo=(
            *_as(sequence, None if _grown(sequence, twin.type) is None else sequence.type),
            _owned_by(exchange, twin.hidden, sequence),
        ),
    )


def _grown(sequence: Sequence, data_type: DataType) -> str | None:
    """The type that the sequence gets: the column's, where that is a wider integer."""
    wider = INTEGERS.get(data_type.spelling, 0) > INTEGERS[sequence.type]
    return data_type.spelling if wider else None


def _as(sequence: Sequence, data_type: str | None) -> Iterator[Statement]:
    if data_type is not None:
        yield _statement("ALTER SEQUENCE {} AS {}", _identifier(sequence.name), sql.SQL(data_type))


def _owned_by(exchange: Exchange, column: str, sequence: Sequence) -> Statement:
    table = exchange.table.name
    return _statement(
        "ALTER SEQUENCE {} OWNED BY {}", _identifier(sequence.name), sql.Identifier(table.schema, table.name, column)
    )
