"""A unique constraint or primary key that comes without a pause: its index concurrently, then the constraint on it.

Both are in contract, since from the moment that the index is built no version may write a duplicate. On a partitioned
table each partition gets its index and its constraint; when the table's own is added then, PostgreSQL finds that every
partition has one like it, and builds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.constraints import unvalidated
from crossfade.operations.indexes import attribute_names, index_build, index_definition, index_preflight
from crossfade.operations.indexes.index_build import IndexBuild
from crossfade.operations.indexes.index_preflight import with_index
from crossfade.operations.step import Part, Step, Turn
from crossfade.operations.trial import Trial, UniqueLook
from crossfade.postgres.catalog import Constraint
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.indexes.index_definition import IndexDefinition
    from crossfade.operations.indexes.partition_indexes import Named
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Catalog, ConstraintKind, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """A constraint that is to be added on an index of its own."""

    kind: ConstraintKind
    """`unique` or `primary`."""
    family: tuple[Named, ...]
    """The table and, where it has some, its partitions; each name is the constraint's and the index's."""
    definition: IndexDefinition
    deferrable: str | None = None
    """`immediate` or `deferred`."""

    @property
    def table(self) -> Table:
        """The table that the plan names."""
        return self.family[0].table

    @property
    def name(self) -> str:
        """The constraint's name."""
        return self.family[0].name.name

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns."""
        return tuple(key.column for key in self.definition.keys if key.column is not None)

    @property
    def words(self) -> sql.SQL:
        """The constraint's kind in SQL."""
        return sql.SQL("PRIMARY KEY" if self.kind == "primary" else "UNIQUE")

    @property
    def timing(self) -> sql.SQL:
        """The clause that says when it is checked."""
        if self.deferrable is None:
            return sql.SQL("")
        return sql.SQL(" DEFERRABLE INITIALLY DEFERRED" if self.deferrable == "deferred" else " DEFERRABLE")


def builds(place: Place, unique: Unique) -> Iterator[Step]:
    """The indexes, one for each relation that has rows, before anything else changes at contract."""
    names = index_definition.staged_names(unique.table)
    wanted = (
        IndexBuild(
            id=f"{one.table.staged.schema}.{one.table.staged.name}",
            name=QualifiedName(one.table.staged.schema, one.name.name),
            definition=unique.definition.create(
                one.name.name, sql.Identifier(one.table.staged.schema, one.table.staged.name), names
            ),
            partitioned=False,
            title=f"build unique index {one.name.name} on {one.table.staged}",
            undone=True,
        )
        for one in unique.family
        if one.table.kind != "partitioned"
    )
    for step in index_build.steps(place, wanted, Part.HIDE):
        yield replace(step, turn=Turn.FIRST)


def constrain(place: Place, unique: Unique, *, then: tuple[Statement, ...], undone: tuple[Statement, ...]) -> Step:
    """The constraint on its indexes; `then` follows it in the same transaction, `undone` its undo."""
    built = [one for one in unique.family if one.table.kind != "partitioned"]
    # Nothing takes them back: a rollback drops the index with its constraint.
    names = attribute_names.of_new(unique.definition, unique.table)
    added = [attribute_names.rename(one.name, was, will) for one in built for was, will in names]
    added += [_using(unique, one) for one in built]
    if unique.table.kind == "partitioned":
        added.append(_over_partitions(unique))
    gone = _alter(unique.table, sql.SQL("DROP CONSTRAINT IF EXISTS {}").format(sql.Identifier(unique.name)))
    return Step(
        id=place.id(f"constraint/{unique.name}"),
        part=Part.HIDE,
        title=f"make it constraint {unique.name} of {unique.table.name}",
        statements=(*added, *then),
        undo=(gone, *undone),
        done=unvalidated.exists(unique.table, unique.name),
        turn=Turn.AFTER,
        takes_along=tuple(step.id for step in builds(place, unique)),
    )


def _using(unique: Unique, one: Named) -> Statement:
    name = sql.Identifier(one.name.name)
    return _alter(
        one.table, sql.SQL("ADD CONSTRAINT {} {} USING INDEX {}{}").format(name, unique.words, name, unique.timing)
    )


def _over_partitions(unique: Unique) -> Statement:
    nulls = sql.SQL(" NULLS NOT DISTINCT" if unique.definition.nulls_not_distinct else "")
    columns = sql.SQL(", ").join(sql.Identifier(c) for c in unique.columns)
    definition = sql.SQL("ADD CONSTRAINT {} {}{} ({}){}").format(
        sql.Identifier(unique.name), unique.words, nulls, columns, unique.timing
    )
    return _alter(unique.table, definition)


def _alter(table: Table, action: sql.Composable) -> Statement:
    relation = sql.Identifier(table.name.schema, table.name.name)
    return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(relation, action)))


def afterwards(catalog: Catalog, unique: Unique) -> Catalog:
    """The catalog with the constraint and its index."""
    for one in unique.family:
        table = catalog.table(one.table.name) or one.table
        index = index_definition.as_index(unique.definition, one.name, one.table.name, None)
        index = replace(index, constraint=one.name.name, primary=unique.kind == "primary")
        added = Constraint(
            name=one.name.name,
            kind=unique.kind,
            columns=unique.columns,
            definition=_definition(unique),
            deferrable=unique.deferrable is not None,
            deferred=unique.deferrable == "deferred",
            index=one.name.name,
            inherited=one.parent is not None,
            is_local=one.parent is None,
        )
        catalog = with_index(catalog, replace(table, constraints=(*table.constraints, added)), index)
    return catalog


def _definition(unique: Unique) -> str:
    nulls = sql.SQL(" NULLS NOT DISTINCT" if unique.definition.nulls_not_distinct else "")
    columns = sql.SQL(", ").join(sql.Identifier(c) for c in unique.columns)
    return render(sql.SQL("{}{} ({}){}").format(unique.words, nulls, columns, unique.timing))


def look(unique: Unique) -> UniqueLook:
    """For the duplicates that are there now."""
    names = index_definition.staged_names(unique.table)
    where = unique.definition.where
    return UniqueLook(
        constraint=unique.name,
        table=str(unique.table.staged),
        columns=tuple(names.get(c, c) for c in unique.columns),
        where=None if where is None else where.over(names).sql,
        nulls_equal=unique.definition.nulls_not_distinct,
    )


def trial(kind: str, unique: Unique) -> Trial:
    """Its index on an empty table: not every type has an order."""
    where = f"columns of {kind} {unique.name} on {unique.table.name}"
    return index_definition.trial(unique.definition, unique.table, where, ", ".join(map(quoted, unique.columns)))


def refusals(unique: Unique, catalog: Catalog) -> Iterator[Refusal]:
    """What such a constraint on this table cannot do with."""
    yield from index_preflight.shape_refusals(unique.definition, unique.table, catalog)
    yield from index_preflight.name_refusals(unique.name, unique.table, None, catalog)
    built = QualifiedName(unique.table.staged.schema, unique.name)
    if built.schema != unique.table.name.schema and built in catalog.relation_names:
        yield Refusal(
            code="name_taken",
            object=str(built),
            message="there is another relation of that name where the table is until contract.",
            instead="Choose another name.",
        )
    if any(c.name == unique.name for c in unique.table.constraints if c.index is None):
        yield Refusal(
            code="name_taken",
            object=f"constraint {quoted(unique.name)} on {unique.table.name}",
            message="there is another constraint of that name.",
            instead="Choose another name.",
        )
