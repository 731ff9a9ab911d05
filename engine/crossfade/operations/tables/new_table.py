"""A table that does not exist yet: its parts in SQL, and what the plan's later changes see of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.indexes.chosen_names import relation_name
from crossfade.operations.tables.second_name import identifier
from crossfade.plan.changes.create_table import NewIndex
from crossfade.postgres.catalog import Column, Constraint, Default, Identity, Index, QualifiedName, Table
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.plan.changes import CreateTable
    from crossfade.plan.changes.create_table import NewColumn, NewConstraint
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Catalog

_STORED = {"stored": sql.SQL("STORED"), "virtual": sql.SQL("VIRTUAL")}
Targets = Mapping["TableName", QualifiedName]
"""The tables that foreign keys reference, as the plan has them, and by the name that they have until contract."""


def targets(change: CreateTable, name: QualifiedName, catalog: Catalog) -> Targets:
    """All of them; the table itself may be one."""
    found = {change.name: name}
    for written in change.tables:
        table = catalog.resolve(written.schema, written.name)
        if table is not None:
            found[written] = table.staged
    return found


@dataclass(frozen=True, slots=True)
class Elements:
    """The table's parts as SQL; in place of a foreign key without a target is a CHECK that holds its name."""

    change: CreateTable
    targets: Targets

    def create(self, relation: sql.Identifier) -> sql.Composed:
        """CREATE TABLE."""
        key = self.change.primary_key
        keys = () if key is None else (primary_key(key),)
        parts = [*self.columns.values(), *keys, *self.constraints.values()]
        return sql.SQL("CREATE TABLE {} ({})").format(relation, sql.SQL(", ").join(parts))

    def indexes(self, relation: sql.Identifier) -> Iterator[sql.Composed]:
        """CREATE INDEX for each."""
        for index in self.change.indexes:
            yield _create_index(index, relation)

    def grants(self, relation: sql.Identifier) -> Iterator[sql.Composed]:
        """GRANT for each role."""
        for role, rights in self.change.grants.items():
            words = sql.SQL(", ").join(sql.SQL(right.upper()) for right in rights)
            yield sql.SQL("GRANT {} ON TABLE {} TO {}").format(words, relation, sql.Identifier(role))

    @property
    def columns(self) -> dict[str, sql.Composed]:
        """Each column, by its name."""
        return dict(self._columns())

    @property
    def constraints(self) -> dict[str, sql.Composed]:
        """Each constraint but the primary key, by its name."""
        named = sql.SQL("CONSTRAINT {} {}")
        return {c.name: named.format(sql.Identifier(c.name), self._body(c)) for c in self.change.constraints}

    def _columns(self) -> Iterator[tuple[str, sql.Composed]]:
        for name, column in self.change.columns.items():
            parts: list[sql.Composable] = [sql.Identifier(name), sql.SQL(column.type.sql), *_attributes(column)]
            reference = column.references
            target = None if reference is None else self.targets.get(reference.table)
            if reference is not None and target is not None:
                there = () if reference.column is None else (reference.column,)
                parts.append(_references(target, there, reference.on_delete, reference.on_update))
            yield name, sql.SQL(" ").join(parts)

    def _body(self, constraint: NewConstraint) -> sql.Composable:
        if constraint.check is not None:
            return sql.SQL("CHECK ({})").format(sql.SQL(constraint.check.sql))
        if constraint.unique is not None:
            return sql.SQL("UNIQUE ({})").format(_names(constraint.unique))
        key = constraint.foreign_key
        target = None if key is None else self.targets.get(key.table)
        if key is None or target is None:
            return sql.SQL("CHECK (true)")
        there = _references(target, key.referenced or (), key.on_delete, key.on_update)
        return sql.SQL("FOREIGN KEY ({}) {}").format(_names(key.columns), there)


def primary_key(columns: Iterable[str]) -> sql.Composed:
    """The primary key of these columns."""
    return sql.SQL("PRIMARY KEY ({})").format(_names(columns))


def _create_index(index: NewIndex, relation: sql.Identifier) -> sql.Composed:
    return sql.SQL("CREATE {}INDEX {} ON {} USING {} ({}){}").format(
        sql.SQL("UNIQUE " if index.unique else ""),
        sql.Identifier(index.name),
        relation,
        sql.Identifier(index.method),
        _names(index.columns),
        sql.SQL("") if index.where is None else sql.SQL(" WHERE {}").format(sql.SQL(index.where.sql)),
    )


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _attributes(column: NewColumn) -> Iterator[sql.Composable]:
    if column.collation is not None:
        parts = [part for part in (column.collation.schema, column.collation.name) if part is not None]
        yield sql.SQL("COLLATE {}").format(sql.Identifier(*parts))
    if column.default is not None:
        yield sql.SQL("DEFAULT ({})").format(sql.SQL(column.default.sql))
    if column.generated is not None:
        yield sql.SQL("GENERATED ALWAYS AS ({}) {}").format(
            sql.SQL(column.generated.expression.sql), _STORED[column.generated.kind]
        )
    if column.identity is not None:
        yield sql.SQL("GENERATED {} AS IDENTITY").format(sql.SQL(column.identity.upper()))
    if not column.nullable:
        yield sql.SQL("NOT NULL")
    if column.unique:
        yield sql.SQL("UNIQUE")
    if column.check is not None:
        yield sql.SQL("CHECK ({})").format(sql.SQL(column.check.sql))


def _references(table: QualifiedName, columns: tuple[str, ...], on_delete: str, on_update: str) -> sql.Composed:
    where = sql.SQL(" ({})").format(_names(columns)) if columns else sql.SQL("")
    return sql.SQL("REFERENCES {}{} ON DELETE {} ON UPDATE {}").format(
        identifier(table), where, sql.SQL(on_delete.upper()), sql.SQL(on_update.upper())
    )


def as_table(change: CreateTable, name: QualifiedName, catalog: Catalog) -> Table:
    """The table as it is once it is created."""
    keys = tuple(_keys(change, name, catalog))
    return Table(
        name=name,
        owner=catalog.current_user,
        columns=tuple(_column(n, *item, change, catalog) for n, item in enumerate(change.columns.items(), start=1)),
        constraints=(*(constraint for constraint, _ in keys), *_others(change, name, catalog)),
        indexes=(*(index for _, index in keys), *(_index(index, name) for index in change.indexes)),
        comment=change.comment,
        rows_estimate=0,
    )


def _column(number: int, name: str, column: NewColumn, change: CreateTable, catalog: Catalog) -> Column:
    kind = catalog.type(column.type.sql)
    identity = column.identity and Identity(
        always=column.identity == "always", sequence=QualifiedName("", f"{change.name.name}_{name}_seq")
    )
    made = Column(
        name=name,
        number=number,
        type=kind.spelling if kind else column.type.sql,
        domain_constrained=bool(kind and kind.constrained),
        collation_deterministic=kind.collation_deterministic if kind else True,
        not_null=not column.nullable or column.identity is not None or name in (change.primary_key or ()),
        default=Default(expression=column.default.sql, of_plan=True) if column.default is not None else None,
        identity=identity or None,
        generated=column.generated.kind if column.generated is not None else None,
        generation_expression=column.generated.expression.sql if column.generated is not None else None,
        comment=column.comment,
    )
    if kind is None:
        return made
    return replace(made, type_name=kind.name, type_category=kind.category, base_type=kind.base)


def _keys(change: CreateTable, name: QualifiedName, catalog: Catalog) -> Iterator[tuple[Constraint, Index]]:
    """Primary key and unique constraints, each with its index, by the names that PostgreSQL chooses."""
    taken = set(catalog.relation_names) | {name}
    wanted: list[tuple[tuple[str, ...], bool, str | None]] = []
    if change.primary_key is not None:
        wanted.append((change.primary_key, True, None))
    wanted += [((column,), False, None) for column, new in change.columns.items() if new.unique]
    wanted += [(c.unique, False, c.name) for c in change.constraints if c.unique is not None]
    for columns, primary, given in wanted:
        parts = () if primary else columns
        chosen = given or relation_name(name, parts, "pkey" if primary else "key", taken)
        taken.add(QualifiedName(name.schema, chosen))
        word = "PRIMARY KEY" if primary else "UNIQUE"
        constraint = Constraint(
            name=chosen,
            kind="primary" if primary else "unique",
            columns=columns,
            definition=f"{word} ({_names(columns).as_string(None)})",
            index=chosen,
        )
        index = _index(NewIndex(name=chosen, columns=columns, unique=True), name)
        yield constraint, replace(index, primary=primary, constraint=chosen)


def _index(index: NewIndex, table: QualifiedName) -> Index:
    name = QualifiedName(table.schema, index.name)
    used = () if index.where is None else index.where.columns
    return Index(
        name=name,
        definition=render(_create_index(index, identifier(table))),
        method=index.method,
        columns=index.columns,
        key_count=len(index.columns),
        references=frozenset((*index.columns, *used)),
        unique=index.unique,
        partial=index.where is not None,
    )


def _others(change: CreateTable, name: QualifiedName, catalog: Catalog) -> Iterator[Constraint]:
    """CHECKs and foreign keys."""
    taken: set[str] = {c.name for c in change.constraints}
    there = targets(change, name, catalog)

    def chosen(column: str, label: str) -> str:
        found = chosen_name(name.name, (column,), label, taken)
        taken.add(found)
        return found

    for column, new in change.columns.items():
        if new.check is not None:
            yield _check(chosen(column, "check"), new.check.columns, new.check.sql)
        if new.references is not None:
            at = () if new.references.column is None else (new.references.column,)
            yield _foreign(chosen(column, "fkey"), (column,), there[new.references.table], at)
    for constraint in change.constraints:
        if constraint.check is not None:
            yield _check(constraint.name, constraint.check.columns, constraint.check.sql)
        elif constraint.foreign_key is not None:
            key = constraint.foreign_key
            yield _foreign(constraint.name, key.columns, there[key.table], key.referenced or ())


def _check(name: str, columns: tuple[str, ...], expression: str) -> Constraint:
    return Constraint(name=name, kind="check", columns=columns, definition=f"CHECK (({expression}))")


def _foreign(
    name: str, columns: tuple[str, ...], referenced: QualifiedName, referenced_columns: tuple[str, ...]
) -> Constraint:
    there = _names(referenced_columns).as_string(None)
    return Constraint(
        name=name,
        kind="foreign",
        columns=columns,
        definition=f"FOREIGN KEY ({_names(columns).as_string(None)}) REFERENCES {referenced}"
        + (f"({there})" if there else ""),
        referenced=referenced,
        referenced_columns=referenced_columns,
    )
