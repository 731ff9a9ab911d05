"""An index as it is to be: what `CREATE INDEX` says of it, over the columns as they are called at the time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.catalog import Index
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.plan.changes.index_fields import IndexKey, IndexShape, Setting
    from crossfade.plan.expressions import Expression
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDefinition:
    """What an index is, apart from its name and its table."""

    keys: tuple[IndexKey, ...]
    method: str = "btree"
    where: Expression | None = None
    include: tuple[str, ...] = ()
    unique: bool = False
    nulls_not_distinct: bool = False
    settings: Mapping[str, Setting] = field(default_factory=dict)
    tablespace: str | None = None

    @property
    def used_columns(self) -> tuple[str, ...]:
        """Every column that it uses, each once."""
        where = self.where.columns if self.where else ()
        return tuple(dict.fromkeys((*(c for k in self.keys for c in k.columns), *self.include, *where)))

    @property
    def has_expressions(self) -> bool:
        """Whether a key or its condition is more than a column."""
        return self.where is not None or any(key.expression is not None for key in self.keys)

    def create(self, name: str, relation: sql.Composable, names: Mapping[str, str]) -> str:
        """The CREATE INDEX; `names` has what columns are called at the time, where that is not their name."""
        keys = sql.SQL(", ").join(_key(key, names) for key in self.keys)
        head = sql.SQL("CREATE {}INDEX {} ON {} USING {} ({})").format(
            sql.SQL("UNIQUE " if self.unique else ""), sql.Identifier(name), relation, sql.Identifier(self.method), keys
        )
        return render(sql.SQL("").join((head, *self._clauses(names))))

    def _clauses(self, names: Mapping[str, str]) -> Iterator[sql.Composable]:
        if self.include:
            included = sql.SQL(", ").join(sql.Identifier(names.get(c, c)) for c in self.include)
            yield sql.SQL(" INCLUDE ({})").format(included)
        if self.nulls_not_distinct:
            yield sql.SQL(" NULLS NOT DISTINCT")
        if self.settings:
            settings = (
                sql.SQL("{} = {}").format(sql.Identifier(key), sql.Literal(_setting(value)))
                for key, value in self.settings.items()
            )
            yield sql.SQL(" WITH ({})").format(sql.SQL(", ").join(settings))
        if self.tablespace is not None:
            yield sql.SQL(" TABLESPACE {}").format(sql.Identifier(self.tablespace))
        if self.where is not None:
            yield sql.SQL(" WHERE {}").format(sql.SQL(self.where.over(names).sql))


def of_shape(shape: IndexShape) -> IndexDefinition:
    """As a plan has it."""
    return IndexDefinition(
        keys=shape.columns,
        method=shape.method,
        where=shape.where,
        include=shape.include,
        unique=shape.unique,
        nulls_not_distinct=shape.nulls_not_distinct,
        settings=shape.with_,
        tablespace=shape.tablespace,
    )


def staged_names(table: Table) -> dict[str, str]:
    """What columns are called until contract, where an earlier change of the plan gives them another name then."""
    return {c.name: c.staged for c in table.columns if c.staged != c.name}


def _key(key: IndexKey, names: Mapping[str, str]) -> sql.Composable:
    if key.column is not None:
        parts: list[sql.Composable] = [sql.Identifier(names.get(key.column, key.column))]
    else:
        assert key.expression is not None
        parts = [sql.SQL("({})").format(sql.SQL(key.expression.over(names).sql))]
    if key.collation is not None:
        parts.append(sql.SQL("COLLATE {}").format(qualified(key.collation)))
    if key.opclass is not None:
        parts.append(qualified(key.opclass))
    if key.order == "desc":
        parts.append(sql.SQL("DESC"))
    if key.nulls is not None:
        parts.append(sql.SQL("NULLS FIRST" if key.nulls == "first" else "NULLS LAST"))
    return sql.SQL(" ").join(parts)


def qualified(name: TableName) -> sql.Identifier:
    """The name of an object as the plan has it, for SQL."""
    return sql.Identifier(*(part for part in (name.schema, name.name) if part is not None))


def _setting(value: Setting) -> str:
    """Every parameter can be written as a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def trial(definition: IndexDefinition, table: Table, where: str, shown: str) -> Trial:
    """The index on an empty table with the same columns."""
    statement = definition.create("crossfade_trial_index", sql.SQL(TRIAL_TABLE), {})
    return Trial(where=where, shown=shown, columns=tuple((c.name, c.type) for c in table.columns), statement=statement)


def as_index(definition: IndexDefinition, name: QualifiedName, table: QualifiedName, comment: str | None) -> Index:
    """What the catalog has of it once it is built, for the plan's later changes."""
    return Index(
        name=name,
        definition=definition.create(name.name, sql.Identifier(table.schema, table.name), {}),
        method=definition.method,
        columns=(*(k.column for k in definition.keys), *definition.include),
        key_count=len(definition.keys),
        references=frozenset(definition.used_columns),
        unique=definition.unique,
        nulls_not_distinct=definition.nulls_not_distinct,
        partial=definition.where is not None,
        has_expressions=any(key.expression is not None for key in definition.keys),
        comment=comment,
    )
