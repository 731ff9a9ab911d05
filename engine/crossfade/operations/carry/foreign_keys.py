"""Foreign keys from a column to other tables: a copy from the twin, validated before contract; then names change hands.

Both are held until the old column goes, so a row always has what it refers to, by either column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations import constraints
from crossfade.operations.constraints import Unvalidated
from crossfade.operations.exchange import Carried, Exchange, Move

if TYPE_CHECKING:
    from crossfade.operations.step import Step
    from crossfade.postgres.catalog import Constraint

FIRST_WITH_UNVALIDATED_ON_PARTITIONED = 180000


def carry(exchange: Exchange) -> Carried:
    """The copies, and the exchange of names; refusals of what cannot be added NOT VALID."""
    found = tuple(_keys(exchange))
    return Carried(
        seal=tuple(step for key in found for step in _copy(exchange, key)),
        before=tuple(_aside(exchange, key) for key in found),
        after=tuple(_take(exchange, key) for key in found),
        refusals=tuple(_refusals(exchange, found)),
    )


def _keys(exchange: Exchange) -> Iterator[Constraint]:
    for constraint in exchange.table.constraints:
        if constraint.kind == "foreign" and not constraint.inherited and exchange.columns & {*constraint.columns}:
            yield constraint


def _refusals(exchange: Exchange, found: tuple[Constraint, ...]) -> Iterator[Refusal]:
    catalog = exchange.catalog
    if exchange.table.kind == "partitioned" and catalog.server_version < FIRST_WITH_UNVALIDATED_ON_PARTITIONED:
        for key in found:
            yield Refusal(
                code="foreign_key_on_partitioned",
                object=f"constraint {key.name} on {exchange.table.name}",
                message="before PostgreSQL 18 a foreign key of a partitioned table cannot be added without reading all "
                "rows while writes wait.",
                instead="Drop it first, and add it again afterwards, partition by partition.",
            )


def _name(exchange: Exchange, key: Constraint) -> str:
    return exchange.own_name("fk", key.name)


def _copy(exchange: Exchange, key: Constraint) -> Iterator[Step]:
    copy = Unvalidated(
        table=exchange.table,
        name=_name(exchange, key),
        definition=sql.SQL(definition_over(key.definition, exchange.names, {})),
        id=f"foreign_key/{key.name}",
        comment=exchange.place.mark,
    )
    # It goes with its column.
    yield replace(constraints.add(exchange.place, copy), undo=())
    if key.validated:
        yield constraints.validate(exchange.place, copy)


def definition_over(definition: str, twins: dict[str, str], referenced_twins: dict[str, str]) -> str:
    """A foreign key's definition over other columns, on its own side and on the referenced one; without NOT VALID."""
    from pglast import parse_sql
    from pglast.ast import String
    from pglast.stream import RawStream

    tree = parse_sql(f"ALTER TABLE t ADD CONSTRAINT c {definition}")
    key: Any = tree[0].stmt.cmds[0].def_  # type: ignore[union-attr]

    def over(names: Any, others: dict[str, str]) -> Any:
        return None if names is None else tuple(String(sval=others.get(n.sval, n.sval)) for n in names)

    key.fk_attrs, key.pk_attrs = over(key.fk_attrs, twins), over(key.pk_attrs, referenced_twins)
    key.fk_del_set_cols = over(key.fk_del_set_cols, twins)
    key.skip_validation, key.initially_valid = False, True
    text: str = RawStream()(tree)
    return text.partition(" ADD CONSTRAINT c ")[2]


def _aside(exchange: Exchange, key: Constraint) -> Move:
    aside = exchange.own_name("hidden", key.name)
    return Move(
        do=(constraints.rename(exchange.table, key.name, aside),),
        undo=(constraints.rename(exchange.table, aside, key.name),),
    )


def _take(exchange: Exchange, key: Constraint) -> Move:
    own = _name(exchange, key)
    comment = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
        sql.Identifier(key.name), exchange.relation, sql.Literal(key.comment)
    )
    return Move(
        do=(constraints.rename(exchange.table, own, key.name), exchange.statement(comment)),
        undo=(
            constraints.rename(exchange.table, key.name, own),
            *constraints.comment_on(exchange.table, own, exchange.place.mark),
        ),
    )
