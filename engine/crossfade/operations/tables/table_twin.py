"""A partitioned twin of a table: made empty under a name of ours, with all that has to be there before it has rows.

Columns, defaults, generated columns, NOT NULL and CHECKs come by LIKE, as the server stores them. Keys, indexes,
foreign keys and statistics are made from their definitions; each that has a name in the schema gets one of ours until
the twin takes the table's place. The partitions have their own names from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, LiteralString

from psycopg import sql

from crossfade.operations.indexes.index_build import printed
from crossfade.operations.rights.recreate_rights import Handed, rights
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.views.deparsed import repeatable
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Catalog, Constraint, Index, Table

Kind = Literal["INDEX", "STATISTICS"]
_STRATEGIES = {"range": sql.SQL("RANGE"), "list": sql.SQL("LIST"), "hash": sql.SQL("HASH")}
_REPLICA_IDENTITIES = {"full": sql.SQL("FULL"), "nothing": sql.SQL("NOTHING")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A partition of the twin."""

    name: QualifiedName
    bounds: sql.Composable
    """`FOR VALUES …` or `DEFAULT`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Something of the table with a name in its schema, and what it and the twin's are called meanwhile."""

    kind: Kind
    name: str
    twin: str
    """The twin's, until contract."""
    hidden: str
    """The table's own, from then on."""
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTwin:
    """A table, and the partitioned one that takes its place."""

    place: Place
    table: Table
    catalog: Catalog
    by: str
    key: tuple[str, ...]
    partitions: tuple[Partition, ...]

    @property
    def name(self) -> QualifiedName:
        """The twin's name until contract."""
        return QualifiedName(self.table.name.schema, self.place.name("twin"))

    @property
    def hidden(self) -> QualifiedName:
        """The table's name from then on."""
        return QualifiedName(self.table.name.schema, self.place.name("was"))

    @property
    def named(self) -> tuple[Named, ...]:
        """Indexes, those of constraints too, and statistics."""
        found: list[tuple[Kind, str, str | None]] = [("INDEX", i.name.name, i.comment) for i in self.indexes]
        found += [("STATISTICS", s.name.name, s.comment) for s in self.table.extended_statistics]
        return tuple(
            Named(
                kind=kind,
                name=name,
                twin=self.place.name("new", kind, name),
                hidden=self.place.name("old", kind, name),
                comment=comment,
            )
            for kind, name, comment in found
        )

    @property
    def indexes(self) -> tuple[Index, ...]:
        """Those that are in use."""
        return tuple(i for i in self.table.indexes if i.valid)

    def of_ours(self, kind: Kind, name: str) -> str:
        """What the twin's is called until contract."""
        return next(n.twin for n in self.named if n.kind == kind and n.name == name)


def create(twin: TableTwin) -> Iterator[Statement]:
    """Everything, in the order in which it is made."""
    relation, place = identifier(twin.name), twin.place
    yield _statement(
        "CREATE TABLE {} (LIKE {} INCLUDING COMMENTS INCLUDING COMPRESSION INCLUDING CONSTRAINTS INCLUDING DEFAULTS"
        " INCLUDING GENERATED INCLUDING STORAGE) PARTITION BY {} ({})",
        relation,
        identifier(twin.table.name),
        _STRATEGIES[twin.by],
        sql.SQL(", ").join(map(sql.Identifier, twin.key)),
    )
    yield _statement("COMMENT ON TABLE {} IS {}", relation, sql.Literal(place.mark))
    for partition in twin.partitions:
        yield from _partition(twin, partition)
    yield from _columns(twin)
    for index in twin.indexes:
        yield from _index(twin, index)
    for constraint in twin.table.constraints:
        if constraint.kind == "foreign":
            yield from _foreign_key(twin, constraint)
    yield from _statistics(twin)
    yield from _owner(twin)


def _partition(twin: TableTwin, partition: Partition) -> Iterator[Statement]:
    options = sql.SQL(", ").join(map(_option, twin.table.storage_parameters))
    yield _statement(
        "CREATE TABLE {} PARTITION OF {} {}{}",
        identifier(partition.name),
        identifier(twin.name),
        partition.bounds,
        sql.SQL(" WITH ({})").format(options) if twin.table.storage_parameters else sql.SQL(""),
    )
    yield _statement("COMMENT ON TABLE {} IS {}", identifier(partition.name), sql.Literal(twin.place.mark))


def _option(stored: str) -> sql.Composed:
    """`name=value` as it is stored."""
    name, _, value = stored.partition("=")
    return sql.SQL("{} = {}").format(sql.Identifier(*name.split(".")), sql.Literal(value))


def _columns(twin: TableTwin) -> Iterator[Statement]:
    """What LIKE leaves out; partitions get it from the table above."""
    for column in twin.table.columns:
        if column.statistics_target is not None:
            yield _statement(
                "ALTER TABLE {} ALTER COLUMN {} SET STATISTICS {}",
                identifier(twin.name),
                sql.Identifier(column.name),
                sql.Literal(column.statistics_target),
            )
    if twin.table.replica_identity in _REPLICA_IDENTITIES:
        identity = _REPLICA_IDENTITIES[twin.table.replica_identity]
        for name in (twin.name, *(p.name for p in twin.partitions)):
            yield _statement("ALTER TABLE {} REPLICA IDENTITY {}", identifier(name), identity)


def _index(twin: TableTwin, index: Index) -> Iterator[Statement]:
    name = twin.of_ours("INDEX", index.name.name)
    constraint = next((c for c in twin.table.constraints if c.index == index.name.name), None)
    if constraint is not None:
        yield _statement(
            "ALTER TABLE {} ADD CONSTRAINT {} {}",
            identifier(twin.name),
            sql.Identifier(name),
            sql.SQL(constraint.definition),
        )
    else:
        yield Statement(text=_index_definition(index, twin.name, name))
    ours = sql.Identifier(twin.name.schema, name)
    for position, target in index.statistics_targets:
        yield _statement(
            "ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}", ours, sql.Literal(position), sql.Literal(target)
        )
    yield _statement("COMMENT ON INDEX {} IS {}", ours, sql.Literal(twin.place.mark))


def _index_definition(index: Index, table: QualifiedName, name: str) -> str:
    from pglast import parse_sql

    node: Any = parse_sql(repeatable(index.definition))[0].stmt
    node.idxname = name
    node.relation.schemaname, node.relation.relname = table.schema, table.name
    return printed(node)


def _foreign_key(twin: TableTwin, constraint: Constraint) -> Iterator[Statement]:
    """While the twin is empty there is nothing to validate."""
    relation, name = identifier(twin.name), sql.Identifier(constraint.name)
    yield _statement("ALTER TABLE {} ADD CONSTRAINT {} {}", relation, name, sql.SQL(constraint.definition))
    if constraint.comment is not None:
        yield _statement("COMMENT ON CONSTRAINT {} ON {} IS {}", name, relation, sql.Literal(constraint.comment))


def _statistics(twin: TableTwin) -> Iterator[Statement]:
    for statistics in twin.table.extended_statistics:
        name = QualifiedName(statistics.name.schema, twin.of_ours("STATISTICS", statistics.name.name))
        yield Statement(text=_statistics_definition(statistics.definition, twin.name, name))
        ours = identifier(name)
        if statistics.target is not None:
            yield _statement("ALTER STATISTICS {} SET STATISTICS {}", ours, sql.Literal(statistics.target))
        yield _statement("COMMENT ON STATISTICS {} IS {}", ours, sql.Literal(twin.place.mark))
        if statistics.owner != twin.catalog.current_user:
            yield _statement("ALTER STATISTICS {} OWNER TO {}", ours, sql.Identifier(statistics.owner))


def _statistics_definition(definition: str, table: QualifiedName, name: QualifiedName) -> str:
    from pglast import ast, parse_sql
    from pglast.stream import RawStream

    node: Any = parse_sql(repeatable(definition))[0].stmt
    node.defnames = (ast.String(sval=name.schema), ast.String(sval=name.name))
    node.relations[0].schemaname, node.relations[0].relname = table.schema, table.name
    text: str = RawStream()(node)
    return text


def _owner(twin: TableTwin) -> Iterator[Statement]:
    """The owner's it becomes, and everybody's rights on it are those on the table."""
    owner, us = twin.table.owner, twin.catalog.current_user
    if owner != us:
        for name in (twin.name, *(p.name for p in twin.partitions)):
            yield _statement("ALTER TABLE {} OWNER TO {}", identifier(name), sql.Identifier(owner))
    handed = Handed(
        name=twin.name,
        owner=owner,
        creator=us,
        privileges=twin.table.privileges,
        default_grantees=twin.table.default_grantees or None,
        columns=twin.table.columns,
    )
    for right in rights(handed):
        yield Statement(text=render(right))


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))
