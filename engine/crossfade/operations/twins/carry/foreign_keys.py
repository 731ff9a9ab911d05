"""Foreign keys from a column to other tables: a copy from the twin, validated before contract; then names change hands.

Both are held until the old column goes, so a row always has what it refers to, by either column.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.constraints import foreign_key_copy, key_parts, unvalidated
from crossfade.operations.constraints.foreign_key_copy import ForeignKeyCopy, has_period, over_columns
from crossfade.operations.constraints.key_parts import KeyOf
from crossfade.operations.constraints.key_trial import key_trial, period_key_trial
from crossfade.operations.step import Part
from crossfade.operations.twins.exchange import Carried, Exchange, Move

if TYPE_CHECKING:
    from crossfade.operations.step import Step
    from crossfade.operations.trial import Trial
    from crossfade.postgres.catalog import Catalog, Column, Constraint, DataType, Table
    from crossfade.postgres.statement import Statement


def carry(exchange: Exchange) -> Carried:
    """The copies, and the exchange of names."""
    found = tuple(_keys(exchange))
    return Carried(
        seal=tuple(step for key in found for step in _copy(exchange, key)),
        before=tuple(_aside(exchange, key) for key in found),
        after=tuple(_take(exchange, key) for key in found),
        trials=tuple(trial for key in found for trial in _trials(exchange, key)),
    )


def _keys(exchange: Exchange) -> Iterator[Constraint]:
    for constraint in exchange.table.constraints:
        if constraint.kind != "foreign" or constraint.inherited or constraint.name in exchange.followed:
            continue
        if exchange.columns & {*constraint.columns}:
            yield constraint


def _trials(exchange: Exchange, key: Constraint) -> Iterator[Trial]:
    types = {twin.column.name: twin.type.spelling for twin in exchange.twins}
    return _retyped_trials(exchange.table, key, types, exchange.catalog)


def altered_trials(family: Iterable[Table], column: Column, data_type: DataType, catalog: Catalog) -> Iterator[Trial]:
    """The keys that stay on a column whose type is altered in place; another length asks nothing of them."""
    if data_type.name == column.type_name:
        return
    for table in family:
        for key in table.constraints:
            if key.kind == "foreign" and not key.inherited and column.name in key.columns:
                yield from _retyped_trials(table, key, {column.name: data_type.spelling}, catalog)


def _retyped_trials(table: Table, key: Constraint, types: Mapping[str, str], catalog: Catalog) -> Iterator[Trial]:
    """The key from columns of new types."""
    target = None if key.referenced is None else catalog.table(key.referenced)
    if target is None:
        return
    own = {c.name: types.get(c.name, c.type) for c in table.columns}
    others = [column for name in key.referenced_columns if (column := target.column(name)) is not None]
    tried = period_key_trial if has_period(key.definition) else key_trial
    yield tried(f"constraint {key.name} on {table.name}", key.name, own, key.columns, others)


def _copied(exchange: Exchange, key: Constraint) -> ForeignKeyCopy:
    return ForeignKeyCopy(
        table=exchange.table,
        name=exchange.own_name("fk", key.name),
        definition=over_columns(key.definition, exchange.names, {}),
        validated=key.validated,
        comment=exchange.place.mark,
        catalog=exchange.catalog,
        target=None if key.referenced is None else exchange.catalog.table(key.referenced),
    )


def _copy(exchange: Exchange, key: Constraint) -> Iterator[Step]:
    what = f"foreign_key/{key.name}"
    for step in foreign_key_copy.steps(exchange.place, _copied(exchange, key), what, Part.SEAL):
        # It goes with its column.
        yield replace(step, undo=())


def _aside(exchange: Exchange, key: Constraint) -> Move:
    aside = exchange.own_name("hidden", key.name)
    names = tuple(_users_names(exchange, key))
    return Move(
        do=tuple(unvalidated.rename(table, name, aside) for table, name in names),
        undo=tuple(unvalidated.rename(table, aside, name) for table, name in names),
    )


def _users_names(exchange: Exchange, key: Constraint) -> Iterator[tuple[Table, str]]:
    """The key's name on its table, and what its copies on the partitions are called."""
    yield exchange.table, key.name
    for table in _copied(exchange, key).below:
        copies = [
            c.name for c in table.constraints if c.kind == "foreign" and c.inherited and c.definition == key.definition
        ]
        if copies:
            yield table, key.name if key.name in copies else copies[0]


def _take(exchange: Exchange, key: Constraint) -> Move:
    copy = _copied(exchange, key)
    comment = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
        sql.Identifier(key.name), exchange.relation, sql.Literal(key.comment)
    )
    return Move(
        do=(*foreign_key_copy.renamed(copy, key.name), exchange.statement(comment), *_parts(exchange, key, copy)),
        undo=(
            *_parts(exchange, key, copy),
            *foreign_key_copy.renamed(replace(copy, name=key.name), copy.name),
            *unvalidated.comment_on(exchange.table, copy.name, exchange.place.mark),
        ),
    )


def _parts(exchange: Exchange, key: Constraint, copy: ForeignKeyCopy) -> Iterator[Statement]:
    """What the parts of both keys are called, once the copy has the user's name."""
    if copy.target is not None and copy.target.kind == "partitioned":
        table = exchange.table.name
        hidden = KeyOf(table, exchange.own_name("hidden", key.name))
        yield key_parts.exchange_names(KeyOf(table, key.name), hidden, exchange.own_name("part", key.name))
