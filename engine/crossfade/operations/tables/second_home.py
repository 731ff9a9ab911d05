"""A table that is made for some of another's columns: with its key, and with all that is about these columns alone.

Columns come with type, collation, storage, default and NOT NULL; CHECKs, unique constraints, indexes and foreign keys
over no other column are made from their definitions, under the names that PostgreSQL chooses. Owner and rights are
those of the table that they come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import sql

from crossfade.operations.indexes.chosen_names import relation_name
from crossfade.operations.indexes.index_build import printed
from crossfade.operations.indexes.index_copy import exchange_columns
from crossfade.operations.rights.recreate_rights import Handed, rights
from crossfade.operations.tables import moved_columns
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.views.deparsed import repeatable
from crossfade.postgres.catalog import Column, Constraint, Index, QualifiedName, Table
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Catalog

_STORAGES = {
    "plain": sql.SQL("PLAIN"),
    "external": sql.SQL("EXTERNAL"),
    "extended": sql.SQL("EXTENDED"),
    "main": sql.SQL("MAIN"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondHome:
    """The table that is made, and the one that its columns come from."""

    place: Place
    table: Table
    catalog: Catalog
    name: QualifiedName
    key: Mapping[str, str]
    """Columns of the table and what they are called in the new one."""
    columns: Mapping[str, str]
    """The same of those that move."""

    @property
    def relation(self) -> sql.Identifier:
        """The new table, for SQL."""
        return identifier(self.name)

    @property
    def reference(self) -> str:
        """The name of its foreign key to the table that it comes from."""
        return self.constraints()[-1].name

    def constraints(self) -> tuple[Constraint, ...]:
        """What it has in the end; its foreign key to the table comes last."""
        taken = {c.name for c in self.moved("check")}
        made = [replace(c, columns=tuple(self.columns[x] for x in c.columns)) for c in self.moved("check")]
        relations = set(self.catalog.relation_names) | {self.name}
        primary = relation_name(self.name, (), "pkey", relations)
        relations.add(QualifiedName(self.name.schema, primary))
        made.append(_keyed(primary, "primary", tuple(self.key.values())))
        for unique in self.moved("unique"):
            columns = tuple(self.columns[c] for c in unique.columns)
            chosen = relation_name(self.name, columns, "key", relations)
            relations.add(QualifiedName(self.name.schema, chosen))
            made.append(replace(unique, name=chosen, columns=columns, index=chosen))
        for foreign in self.moved("foreign"):
            columns = tuple(self.columns[c] for c in foreign.columns)
            chosen = chosen_name(self.name.name, columns, "fkey", taken)
            taken.add(chosen)
            made.append(replace(foreign, name=chosen, columns=columns))
        reference = chosen_name(self.name.name, self.key.values(), "fkey", taken)
        made.append(
            Constraint(
                name=reference,
                kind="foreign",
                columns=tuple(self.key.values()),
                definition=render(self.reference_definition),
                referenced=self.table.name,
                referenced_columns=tuple(self.key),
            )
        )
        return tuple(made)

    @property
    def reference_definition(self) -> sql.Composed:
        """`FOREIGN KEY (…) REFERENCES …`."""
        return sql.SQL("FOREIGN KEY ({}) REFERENCES {} ({}) ON UPDATE CASCADE ON DELETE CASCADE").format(
            _names(self.key.values()), identifier(self.table.name), _names(self.key)
        )

    def moved(self, kind: str) -> tuple[Constraint, ...]:
        """Constraints of a kind over moved columns alone."""
        return tuple(
            c for c in self.table.constraints if c.kind == kind and c.columns and {*c.columns} <= self.columns.keys()
        )

    @property
    def indexes(self) -> tuple[Index, ...]:
        """Indexes, without those of constraints, over moved columns alone."""
        return tuple(
            i
            for i in self.table.indexes
            if i.constraint is None and i.valid and i.references and i.references <= self.columns.keys()
        )


def create(home: SecondHome) -> Iterator[Statement]:
    """Everything but the foreign key to the table that the columns come from."""
    moved = [(name, moved_columns.column(home.table, old)) for old, name in home.columns.items()]
    by_key = [(name, moved_columns.column(home.table, old)) for old, name in home.key.items()]
    parts = [*(declared(n, replace(c, default=None, not_null=False)) for n, c in by_key)]
    parts += [declared(n, c) for n, c in moved]
    made = {c.name: c for c in home.constraints()}
    primary = next(c for c in made.values() if c.kind == "primary")
    parts.append(
        sql.SQL("CONSTRAINT {} PRIMARY KEY ({})").format(sql.Identifier(primary.name), _names(home.key.values()))
    )
    yield _statement("CREATE TABLE {} ({})", home.relation, sql.SQL(", ").join(parts))
    yield _statement("COMMENT ON TABLE {} IS {}", home.relation, sql.Literal(home.place.mark))
    for name, column in moved:
        yield from attributes(home.relation, name, column)
    yield from _hanging(home)
    yield from _owner(home)


def _hanging(home: SecondHome) -> Iterator[Statement]:
    constraints = [c for c in home.constraints() if c.kind != "primary"][:-1]
    for constraint, old in zip(
        constraints, (*home.moved("check"), *home.moved("unique"), *home.moved("foreign")), strict=True
    ):
        name = sql.Identifier(constraint.name)
        definition = sql.SQL(over(old.definition, home.columns))
        yield _statement("ALTER TABLE {} ADD CONSTRAINT {} {}", home.relation, name, definition)
        if old.comment is not None:
            yield _statement("COMMENT ON CONSTRAINT {} ON {} IS {}", name, home.relation, sql.Literal(old.comment))
    for index in home.indexes:
        yield Statement(text=_index_definition(home, index))


def _index_definition(home: SecondHome, index: Index) -> str:
    """Without a name, so that PostgreSQL chooses one."""
    from pglast import parse_sql

    node: Any = parse_sql(repeatable(index.definition))[0].stmt
    exchange_columns(node, home.columns)
    node.idxname = None
    node.relation.schemaname, node.relation.relname = home.name.schema, home.name.name
    return printed(node)


def over(definition: str, columns: Mapping[str, str]) -> str:
    """A constraint's definition over other columns."""
    from pglast import parse_sql
    from pglast.ast import String
    from pglast.stream import RawStream

    if all(old == new for old, new in columns.items()):
        return repeatable(f"ALTER TABLE t ADD CONSTRAINT c {definition}").partition(" ADD CONSTRAINT c ")[2]
    (statement,) = parse_sql(f"ALTER TABLE t ADD CONSTRAINT c {definition}")
    made: Any = statement.stmt.cmds[0].def_  # type: ignore[union-attr]
    for part in ("keys", "including", "fk_attrs", "fk_del_set_cols"):
        names = getattr(made, part)
        if names is not None:
            setattr(made, part, tuple(String(sval=columns.get(n.sval, n.sval)) for n in names))
    exchange_columns(made, columns)
    text: str = RawStream()(statement)
    return text.partition(" ADD CONSTRAINT c ")[2]


def declared(name: str, column: Column) -> sql.Composed:
    """A column as CREATE TABLE and ADD COLUMN have it, with everything but what other statements give it."""
    parts: list[sql.Composable] = [sql.Identifier(name), sql.SQL(column.type)]
    if column.compression is not None:
        parts.append(sql.SQL("COMPRESSION {}").format(sql.SQL(column.compression)))
    if column.collation is not None:
        parts.append(sql.SQL("COLLATE {}").format(sql.Identifier(column.collation.schema, column.collation.name)))
    if column.default is not None:
        parts.append(sql.SQL("DEFAULT {}").format(sql.SQL(column.default.expression)))
    if column.not_null:
        parts.append(sql.SQL("NOT NULL"))
    return sql.SQL(" ").join(parts)


def attributes(relation: sql.Identifier, name: str, column: Column) -> Iterator[Statement]:
    """What other statements give it: storage, statistics, the comment."""
    of_column = sql.SQL("ALTER TABLE {} ALTER COLUMN {}").format(relation, sql.Identifier(name))
    if not column.storage_is_default:
        yield _statement("{} SET STORAGE {}", of_column, _STORAGES[column.storage])
    if column.statistics_target is not None:
        yield _statement("{} SET STATISTICS {}", of_column, sql.Literal(column.statistics_target))
    if column.comment is not None:
        yield _statement("COMMENT ON COLUMN {}.{} IS {}", relation, sql.Identifier(name), sql.Literal(column.comment))


def _owner(home: SecondHome) -> Iterator[Statement]:
    owner, us = home.table.owner, home.catalog.current_user
    if owner != us:
        yield _statement("ALTER TABLE {} OWNER TO {}", home.relation, sql.Identifier(owner))
    names = {**home.key, **home.columns}
    handed = Handed(
        name=home.name,
        owner=owner,
        creator=us,
        privileges=home.table.privileges,
        default_grantees=home.table.default_grantees or None,
        columns=tuple(replace(c, name=names[c.name]) for c in home.table.columns if c.name in names),
    )
    for right in rights(handed):
        yield Statement(text=render(right))


def as_table(home: SecondHome) -> Table:
    """The table as it is once everything is done."""
    columns = [
        replace(moved_columns.column(home.table, old), name=new, not_null=True, default=None, identity=None)
        for old, new in home.key.items()
    ]
    columns += [replace(moved_columns.column(home.table, old), name=new) for old, new in home.columns.items()]
    constraints = home.constraints()
    return Table(
        name=home.name,
        owner=home.table.owner,
        columns=tuple(replace(c, number=n) for n, c in enumerate(columns, 1)),
        constraints=constraints,
        indexes=(
            *(_index_of(home, c) for c in constraints if c.index is not None),
            *(_copied(home, index) for index in home.indexes),
        ),
        rows_estimate=home.table.rows_estimate,
    )


def _index_of(home: SecondHome, constraint: Constraint) -> Index:
    return Index(
        name=QualifiedName(home.name.schema, constraint.index or ""),
        definition=render(
            sql.SQL("CREATE UNIQUE INDEX {} ON {} USING btree ({})").format(
                sql.Identifier(constraint.index or ""), home.relation, _names(constraint.columns)
            )
        ),
        columns=constraint.columns,
        key_count=len(constraint.columns),
        references=frozenset(constraint.columns),
        unique=True,
        primary=constraint.kind == "primary",
        constraint=constraint.name,
    )


def _copied(home: SecondHome, index: Index) -> Index:
    """An index that goes along; what PostgreSQL calls one over expressions may be another name."""
    columns = tuple(None if c is None else home.columns[c] for c in index.columns)
    named = (c or "expr" for c in columns)
    return replace(
        index,
        oid=0,
        name=QualifiedName(home.name.schema, relation_name(home.name, named, "idx", home.catalog.relation_names)),
        definition=_index_definition(home, index),
        columns=columns,
        references=frozenset(home.columns[c] for c in index.references),
        comment=None,
    )


def _keyed(name: str, kind: Any, columns: tuple[str, ...]) -> Constraint:
    return Constraint(
        name=name,
        kind=kind,
        columns=columns,
        definition=render(sql.SQL("PRIMARY KEY ({})").format(_names(columns))),
        index=name,
    )


def _names(columns: Any) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))
