"""Indexes over a column, with the unique constraints on them: copies over the twin, names change hands.

A unique constraint's copy becomes a constraint under a name of ours before contract, so that contract only renames. The
copy of a primary key's index is built here too; `primary_key` says how it takes the key's place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.constraints import unvalidated
from crossfade.operations.indexes import attribute_names, index_build, index_copy
from crossfade.operations.step import Part, Step
from crossfade.operations.tables.extension_marks import marked
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.operations.twins.twin_trials import index_trial
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.indexes.index_copy import IndexCopy
    from crossfade.postgres.catalog import Constraint, Index, Table


def carry(exchange: Exchange) -> Carried:
    """Copies, constraints over them, and the exchange of names."""
    copied = copies(exchange)
    refusals = tuple(_refusals(copied))
    if refusals:
        return Carried(refusals=refusals)
    plain = tuple(c for c in copied if c.index.constraint is None)
    unique = tuple(c for c in copied if c.index.constraint is not None and not c.index.primary)
    # A partitioned table's constraint is made over those of its partitions, not from an index.
    built = tuple(c for c in copied if c.index.constraint is None or c.table.kind != "partitioned")
    return Carried(
        seal=(
            *index_build.steps(exchange.place, index_copy.builds(exchange.place.plan, built), Part.SEAL),
            *(_as_constraint(exchange, copy) for copy in reversed(unique)),
        ),
        before=tuple(_aside(exchange, copy) for copy in (*plain, *unique)),
        after=tuple(_take(exchange, copy) for copy in (*plain, *unique)),
        trials=tuple(
            index_trial(exchange, f"index {c.index.name}", c.index.definition) for c in plain if c.index.parent is None
        ),
    )


def copies(exchange: Exchange) -> tuple[IndexCopy, ...]:
    """A copy of every index over the columns, a partitioned table's before its partitions'."""
    return index_copy.copies(
        exchange.place.plan,
        exchange.table,
        exchange.names,
        exchange.catalog,
        lax=frozenset(),
        types=exchange.types,
    )


def _refusals(copied: tuple[IndexCopy, ...]) -> Iterator[Refusal]:
    for copy in copied:
        if copy.index.exclusion:
            yield Refusal(
                code="exclusion_constraint",
                object=f"constraint {copy.index.constraint} on {copy.table.name}",
                message="PostgreSQL builds an exclusion constraint only while writes wait, so it is not carried over.",
                instead="Drop it first, and add it again in a maintenance window.",
            )


def constraint_of(copy: IndexCopy) -> Constraint:
    """The constraint that the copied index holds up."""
    return next(c for c in copy.table.constraints if c.name == copy.index.constraint)


def _relation(table: Table) -> sql.Identifier:
    return sql.Identifier(table.name.schema, table.name.name)


def _timing(constraint: Constraint) -> sql.SQL:
    if not constraint.deferrable:
        return sql.SQL("")
    return sql.SQL(" DEFERRABLE INITIALLY DEFERRED" if constraint.deferred else " DEFERRABLE")


def from_index(table: Table, name: str, kind: str, index: str, constraint: Constraint) -> Statement:
    """A constraint on an index that is there; the index gets the constraint's name."""
    text = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}{}").format(
        _relation(table), sql.Identifier(name), sql.SQL(kind), sql.Identifier(index), _timing(constraint)
    )
    return Statement(text=render(text))


def _as_constraint(exchange: Exchange, copy: IndexCopy) -> Step:
    name, constraint = copy.name.name, constraint_of(copy)
    if copy.table.kind == "partitioned":
        made = over_partitions(copy.table, name, constraint, exchange.names)
    else:
        made = from_index(copy.table, name, "UNIQUE", name, constraint)
    return Step(
        id=exchange.place.id(f"unique/{copy.index.constraint}"),
        part=Part.SEAL,
        title=f"make a constraint of the copy of {copy.index.constraint}",
        statements=(made, *unvalidated.comment_on(copy.table, name, exchange.place.mark)),
        done=unvalidated.exists(copy.table, name),
    )


def over_partitions(table: Table, name: str, constraint: Constraint, columns: Mapping[str, str]) -> Statement:
    """A partitioned table's constraint, with other columns; it takes up those that its partitions have already."""
    definition = sql.SQL(_over_columns(constraint.definition, columns))
    text = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(_relation(table), sql.Identifier(name), definition)
    return Statement(text=render(text))


def _over_columns(definition: str, columns: Mapping[str, str]) -> str:
    """`UNIQUE (a, b) INCLUDE (c)` over other columns."""
    from pglast import parse_sql
    from pglast.ast import String
    from pglast.stream import RawStream

    (statement,) = parse_sql(f"ALTER TABLE t ADD CONSTRAINT c {definition}")
    key: Any = statement.stmt.cmds[0].def_  # type: ignore[union-attr]
    for part in ("keys", "including"):
        names = getattr(key, part)
        if names is not None:
            setattr(key, part, tuple(String(sval=columns.get(n.sval, n.sval)) for n in names))
    text: str = RawStream()(statement)
    return text.partition(" ADD CONSTRAINT c ")[2]


def _rename_index(schema: str, source: str, target: str) -> Statement:
    text = sql.SQL("ALTER INDEX {} RENAME TO {}").format(sql.Identifier(schema, source), sql.Identifier(target))
    return Statement(text=render(text))


def _hidden(exchange: Exchange, index: Index) -> str:
    return exchange.own_name("hidden", index.name.schema, index.name.name)


def _renamed(copy: IndexCopy, source: str, target: str) -> Statement:
    if copy.index.constraint is None:
        return _rename_index(copy.name.schema, source, target)
    return unvalidated.rename(copy.table, source, target)


def _aside(exchange: Exchange, copy: IndexCopy) -> Move:
    name, aside = copy.index.name.name, _hidden(exchange, copy.index)
    return Move(
        do=(*_given_up(copy), _renamed(copy, name, aside)),
        undo=(_renamed(copy, aside, name), *_to_table(copy)),
    )


def _take(exchange: Exchange, copy: IndexCopy) -> Move:
    own, name = copy.name.name, copy.index.name.name
    return Move(
        do=(_renamed(copy, own, name), *columns(exchange, copy), *settings(copy), *comments(copy)),
        undo=(
            *_given_up(copy),
            *_columns_back(exchange, copy),
            _renamed(copy, name, own),
            index_comment(copy, own, exchange.place.mark),
        ),
    )


def _column_names(exchange: Exchange, copy: IndexCopy) -> Iterator[tuple[str, str]]:
    """What `\\d` calls the index's columns: after the twins when it was built, and as the columns are called then."""
    final = {twin.column.name: twin.final for twin in exchange.twins}
    # Those of what is attached to a partitioned index follow its own.
    follows = copy.index.parent is not None and not copy.index.primary
    yield from attribute_names.changes(() if follows else copy.index.columns, exchange.names, final)


def columns(exchange: Exchange, copy: IndexCopy) -> Iterator[Statement]:
    """The index's columns get the names that the table's have from then on."""
    for source, target in _column_names(exchange, copy):
        yield attribute_names.rename(copy.index.name, source, target)


def _columns_back(exchange: Exchange, copy: IndexCopy) -> Iterator[Statement]:
    for source, target in _column_names(exchange, copy):
        yield attribute_names.rename(copy.index.name, target, source)


def comments(copy: IndexCopy) -> Iterator[Statement]:
    """The users' comments in place of our mark."""
    yield index_comment(copy, copy.index.name.name, copy.index.comment)
    if copy.index.constraint is not None:
        constraint = constraint_of(copy)
        text = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
            sql.Identifier(constraint.name), _relation(copy.table), sql.Literal(constraint.comment)
        )
        yield Statement(text=render(text))


def index_comment(copy: IndexCopy, name: str, comment: str | None) -> Statement:
    """The comment of an index; None takes it away."""
    text = sql.SQL("COMMENT ON INDEX {} IS {}").format(sql.Identifier(copy.name.schema, name), sql.Literal(comment))
    return Statement(text=render(text))


def settings(copy: IndexCopy) -> Iterator[Statement]:
    """What an index is to its table, the statistics targets of its expressions, and its extensions."""
    index = copy.index
    named = sql.SQL("INDEX {}").format(sql.Identifier(index.name.schema, index.name.name))
    yield from _to_table(copy)
    for position, target in index.statistics_targets:
        text = sql.SQL("ALTER {} ALTER COLUMN {} SET STATISTICS {}").format(
            named, sql.Literal(position), sql.Literal(target)
        )
        yield Statement(text=render(text))
    yield from marked(named, index.extensions)


def _to_table(copy: IndexCopy) -> Iterator[Statement]:
    """Replica identity and clustering."""
    index, table = copy.index, _relation(copy.table)
    name = sql.Identifier(index.name.name)
    if index.replica_identity:
        yield Statement(text=render(sql.SQL("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}").format(table, name)))
    if index.clustered:
        yield Statement(text=render(sql.SQL("ALTER TABLE {} CLUSTER ON {}").format(table, name)))


def _given_up(copy: IndexCopy) -> Iterator[Statement]:
    """Within a transaction: what is the replica identity does not let its columns lose NOT NULL."""
    if copy.index.replica_identity:
        yield Statement(text=render(sql.SQL("ALTER TABLE {} REPLICA IDENTITY DEFAULT").format(_relation(copy.table))))
