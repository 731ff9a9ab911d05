"""Indexes over a column, with the unique and primary key constraints on them: copies over the twin, names change hands.

A unique constraint's copy becomes a constraint under a name of ours before contract, so that contract only renames. A
table has one primary key only: in contract the old one goes and the copy takes its place, and a second index over the
old columns is kept for `revert`. Whatever `revert` has used up is built again when contract begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations import constraints, index_build, index_copy
from crossfade.operations.exchange import Carried, Exchange, Move
from crossfade.operations.step import Part, Step
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.index_copy import IndexCopy
    from crossfade.postgres.catalog import Constraint, Index, Table


def carry(exchange: Exchange) -> Carried:
    """Copies, constraints over them, and the exchange of names."""
    copied = index_copy.copies(exchange.place.plan, exchange.table, exchange.names, exchange.catalog, lax=frozenset())
    refusals = tuple(_refusals(copied))
    if refusals:
        return Carried(refusals=refusals)
    builds = tuple(index_copy.builds(exchange.place.plan, copied))
    plain = tuple(c for c in copied if c.index.constraint is None)
    unique = tuple(c for c in copied if c.index.constraint is not None and not c.index.primary)
    primary = tuple(c for c in copied if c.index.primary)
    return Carried(
        seal=(
            *index_build.steps(exchange.place, builds, Part.SEAL),
            *(_as_constraint(exchange, copy) for copy in unique),
            *(_spare(exchange, copy, Part.SEAL) for copy in primary),
        ),
        first=tuple(step for copy in primary for step in _again(exchange, copy)),
        before=(
            *(_aside(exchange, copy) for copy in (*plain, *unique)),
            *(_other_key(exchange, copy) for copy in primary),
        ),
        after=tuple(_take(exchange, copy) for copy in (*plain, *unique)),
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
        elif copy.index.constraint is not None and copy.table.kind == "partitioned":
            yield Refusal(
                code="partitioned_constraint",
                object=f"constraint {copy.index.constraint} on {copy.table.name}",
                message="a unique constraint or primary key of a partitioned table cannot be made from an index "
                "that is there.",
                instead="Use `partition_table` with the new type, or do it in a maintenance window.",
            )


def _constraint(copy: IndexCopy) -> Constraint:
    return next(c for c in copy.table.constraints if c.name == copy.index.constraint)


def _relation(table: Table) -> sql.Identifier:
    return sql.Identifier(table.name.schema, table.name.name)


def _timing(constraint: Constraint) -> sql.SQL:
    if not constraint.deferrable:
        return sql.SQL("")
    return sql.SQL(" DEFERRABLE INITIALLY DEFERRED" if constraint.deferred else " DEFERRABLE")


def _from_index(table: Table, name: str, kind: str, index: str, constraint: Constraint) -> Statement:
    """A constraint on an index that is there; the index gets the constraint's name."""
    text = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} USING INDEX {}{}").format(
        _relation(table), sql.Identifier(name), sql.SQL(kind), sql.Identifier(index), _timing(constraint)
    )
    return Statement(text=render(text))


def _as_constraint(exchange: Exchange, copy: IndexCopy) -> Step:
    name = copy.name.name
    return Step(
        id=exchange.place.id(f"unique/{copy.index.constraint}"),
        part=Part.SEAL,
        title=f"make a constraint of the copy of {copy.index.constraint}",
        statements=(
            _from_index(copy.table, name, "UNIQUE", name, _constraint(copy)),
            *constraints.comment_on(copy.table, name, exchange.place.mark),
        ),
        done=constraints.exists(copy.table, name),
    )


def _rename_index(schema: str, source: str, target: str) -> Statement:
    text = sql.SQL("ALTER INDEX {} RENAME TO {}").format(sql.Identifier(schema, source), sql.Identifier(target))
    return Statement(text=render(text))


def _hidden(exchange: Exchange, index: Index) -> str:
    return exchange.own_name("hidden", index.name.schema, index.name.name)


def _renamed(copy: IndexCopy, source: str, target: str) -> Statement:
    if copy.index.constraint is None:
        return _rename_index(copy.name.schema, source, target)
    return constraints.rename(copy.table, source, target)


def _aside(exchange: Exchange, copy: IndexCopy) -> Move:
    name, aside = copy.index.name.name, _hidden(exchange, copy.index)
    return Move(do=(_renamed(copy, name, aside),), undo=(_renamed(copy, aside, name),))


def _take(exchange: Exchange, copy: IndexCopy) -> Move:
    own, name = copy.name.name, copy.index.name.name
    return Move(
        do=(_renamed(copy, own, name), *_columns(exchange, copy), *_settings(copy), *_comments(copy)),
        undo=(
            *_settings_back(exchange, copy),
            *_columns_back(exchange, copy),
            _renamed(copy, name, own),
            _index_comment(copy, own, exchange.place.mark),
        ),
    )


def _column_names(exchange: Exchange, copy: IndexCopy) -> Iterator[tuple[str, str]]:
    """What `\\d` calls the index's columns: after the twins when it was built, and as the columns are called then.

    A column that stands in an index twice has a number behind its name the second time.
    """
    final = {twin.name: twin.final for twin in exchange.twins}
    seen: list[str | None] = []
    for column in copy.index.columns:
        twin = exchange.names.get(column or "")
        if twin is not None and twin != final[twin]:
            number = seen.count(column) or ""
            yield f"{twin}{number}", f"{final[twin]}{number}"
        seen.append(column)


def _columns(exchange: Exchange, copy: IndexCopy) -> Iterator[Statement]:
    for source, target in _column_names(exchange, copy):
        yield _rename_index_column(copy.index.name, source, target)


def _columns_back(exchange: Exchange, copy: IndexCopy) -> Iterator[Statement]:
    for source, target in _column_names(exchange, copy):
        yield _rename_index_column(copy.index.name, target, source)


def _rename_index_column(index: QualifiedName, source: str, target: str) -> Statement:
    text = sql.SQL("ALTER TABLE {} RENAME COLUMN {} TO {}").format(
        sql.Identifier(index.schema, index.name), sql.Identifier(source), sql.Identifier(target)
    )
    return Statement(text=render(text))


def _comments(copy: IndexCopy) -> Iterator[Statement]:
    """The users' comments in place of our mark."""
    yield _index_comment(copy, copy.index.name.name, copy.index.comment)
    if copy.index.constraint is not None:
        constraint = _constraint(copy)
        text = sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
            sql.Identifier(constraint.name), _relation(copy.table), sql.Literal(constraint.comment)
        )
        yield Statement(text=render(text))


def _index_comment(copy: IndexCopy, name: str, comment: str | None) -> Statement:
    text = sql.SQL("COMMENT ON INDEX {} IS {}").format(sql.Identifier(copy.name.schema, name), sql.Literal(comment))
    return Statement(text=render(text))


def _settings(copy: IndexCopy) -> Iterator[Statement]:
    """What an index is to its table, and the statistics targets of its expressions."""
    index, table = copy.index, _relation(copy.table)
    name = sql.Identifier(index.name.name)
    if index.replica_identity:
        yield Statement(text=render(sql.SQL("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}").format(table, name)))
    if index.clustered:
        yield Statement(text=render(sql.SQL("ALTER TABLE {} CLUSTER ON {}").format(table, name)))
    for position, target in index.statistics_targets:
        text = sql.SQL("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}").format(
            sql.Identifier(index.name.schema, index.name.name), sql.Literal(position), sql.Literal(target)
        )
        yield Statement(text=render(text))


def _settings_back(exchange: Exchange, copy: IndexCopy) -> Iterator[Statement]:
    """Replica identity and clustering on the old index again, which is still under its hidden name."""
    index, table = copy.index, _relation(copy.table)
    name = sql.Identifier(_hidden(exchange, index))
    if index.replica_identity:
        yield Statement(text=render(sql.SQL("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}").format(table, name)))
    if index.clustered:
        yield Statement(text=render(sql.SQL("ALTER TABLE {} CLUSTER ON {}").format(table, name)))


def _spare_name(exchange: Exchange, copy: IndexCopy) -> QualifiedName:
    return QualifiedName(copy.name.schema, exchange.own_name("key", copy.index.name.name))


def _spare(exchange: Exchange, copy: IndexCopy, part: Part) -> Step:
    """A second index over the old key: dropping a primary key drops its own."""
    name = _spare_name(exchange, copy)
    build = index_build.IndexBuild(
        id=f"{part.value}/key",
        name=name,
        definition=copy.index.definition,
        partitioned=False,
        title=f"build a second index like {copy.index.name.name}, for the way back",
        comment=exchange.place.mark,
        undone=True,
    )
    (step,) = index_build.steps(exchange.place, (build,), part)
    return step


def _again(exchange: Exchange, copy: IndexCopy) -> Iterator[Step]:
    """At the begin of contract: both indexes, if a revert has used them up; nothing where they are there."""
    (build,) = index_copy.builds(exchange.place.plan, (copy,))
    (step,) = index_build.steps(exchange.place, (replace(build, id="hide/copy"),), Part.HIDE)
    yield step
    yield replace(_spare(exchange, copy, Part.HIDE), undo=())


def _other_key(exchange: Exchange, copy: IndexCopy) -> Move:
    """The primary key goes over to the twins; they are NOT NULL by a valid CHECK, so no row is read."""
    constraint, table = _constraint(copy), copy.table
    name = constraint.name
    gone = Statement(
        text=render(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(_relation(table), sql.Identifier(name)))
    )
    users = constraints.comment_on(table, name, constraint.comment)
    index_users = _index_comment(copy, name, copy.index.comment)
    return Move(
        do=(
            gone,
            _from_index(table, name, "PRIMARY KEY", copy.name.name, constraint),
            *_columns(exchange, copy),
            *users,
            index_users,
            *_settings(copy),
        ),
        undo=(
            gone,
            _from_index(table, name, "PRIMARY KEY", _spare_name(exchange, copy).name, constraint),
            *users,
            index_users,
            *_settings(copy),
        ),
    )
