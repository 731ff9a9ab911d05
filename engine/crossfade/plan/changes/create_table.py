"""`create_table`."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from crossfade.plan.changes.add_column import Action, Generated, References
from crossfade.plan.changes.fields import TABLE, TABLE_EXAMPLES, ChangeModel, ColumnName, Condition, Prose, Value
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import FaultAt, fault, faults_at
from crossfade.plan.names import Identifier, TableName
from crossfade.plan.types import SqlType
from crossfade.plan.words import nearest, shown

Columns = Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=32)]
Right = Literal["select", "insert", "update", "delete", "truncate", "references", "trigger"]


class NewColumn(PlanPart):
    """A column of the new table."""

    type: SqlType = Field(description="Its type.", examples=["bigint", "text"])
    nullable: bool = Field(default=True, description="Whether it may be NULL.")
    default: Value = Field(default=None, description="Its DEFAULT, an SQL expression.", examples=["now()"])
    identity: Annotated[Literal["always", "by default"] | None, Given()] = Field(
        default=None, description="Make it an identity column, with numbers from a sequence."
    )
    generated: Annotated[Generated | None, Given()] = Field(
        default=None, description="Make it a generated column, of a mapping with `expression` and `kind`."
    )
    references: Annotated[References | None, Given()] = Field(
        default=None, description="A foreign key, of a mapping with `table`, `column`, `on_delete` and `on_update`."
    )
    check: Condition = Field(default=None, description="A CHECK: an SQL expression over the row's columns.")
    unique: bool = Field(default=False, description="Whether its values are unique.")
    comment: Annotated[Prose | None, Given()] = Field(default=None, description="Its comment.")
    collation: Annotated[TableName | None, Given()] = Field(
        default=None, description="Its collation, `name` or `schema.name`.", examples=["C"]
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [key for key in ("default", "identity", "generated") if getattr(self, key) is not None]
        if len(given) > 1:
            raise fault(f"both `{given[0]}` and `{given[1]}` would give the column its value", "leave one of them out")
        return self


class NewForeignKey(PlanPart):
    """A foreign key of the new table."""

    columns: Columns = Field(description="The columns that refer.", examples=[["customer_id"]])
    table: TableName = Field(description=TABLE, examples=["customers"])
    referenced: Annotated[Columns | None, Given()] = Field(
        default=None, description="Its columns, in the order of the key's own; left out, its primary key."
    )
    on_delete: Action = Field(default="no action", description="What happens when the row that is referred to goes.")
    on_update: Action = Field(default="no action", description="What happens when its key changes.")


class NewConstraint(PlanPart):
    """A constraint of the new table, of one of the three kinds."""

    name: Identifier = Field(description="Its name.", examples=["orders_day_check"])
    check: Condition = Field(default=None, description="An SQL expression over the row's columns.")
    unique: Annotated[Columns | None, Given()] = Field(default=None, description="Columns that are unique together.")
    foreign_key: Annotated[NewForeignKey | None, Given()] = Field(default=None, description="A foreign key.")

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if len([x for x in (self.check, self.unique, self.foreign_key) if x is not None]) != 1:
            raise fault("a constraint is of one kind", "write one of `check`, `unique` and `foreign_key`")
        return self


class NewIndex(PlanPart):
    """An index over columns of the new table; `create_index` makes any other."""

    name: Identifier = Field(description="Its name.", examples=["orders_by_day"])
    columns: Columns = Field(description="Its columns, in their order.", examples=[["customer_id", "day"]])
    unique: bool = Field(default=False, description="Whether it is unique.")
    method: Identifier = Field(default="btree", description="The access method.", examples=["gin"])
    where: Condition = Field(default=None, description="The rows that it has, for a partial index.")


class CreateTable(ChangeModel):
    """Create a table, with its constraints and indexes."""

    kind: ClassVar[str] = "create_table"

    name: TableName = Field(
        description="The table, `name` or `schema.name`; without a schema it gets into the first one of the "
        "search path.",
        examples=TABLE_EXAMPLES,
    )
    columns: Annotated[dict[ColumnName, NewColumn], Field(min_length=1)] = Field(
        description="The columns by their names, in their order.", examples=[{"id": {"type": "bigint"}}]
    )
    primary_key: Annotated[Columns | None, Given()] = Field(default=None, description="The columns of the primary key.")
    constraints: tuple[NewConstraint, ...] = Field(default=(), description="Further constraints, with names.")
    indexes: tuple[NewIndex, ...] = Field(default=(), description="Indexes over columns.")
    comment: Annotated[Prose | None, Given()] = Field(default=None, description="The table's comment.")
    grants: dict[ColumnName, Annotated[tuple[Right, ...], Field(min_length=1)]] = Field(
        default={}, description="Rights on the table, by role.", examples=[{"app": ["select", "insert"]}]
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that foreign keys reference."""
        named = (
            *(c.references.table for c in self.columns.values() if c.references is not None),
            *(c.foreign_key.table for c in self.constraints if c.foreign_key is not None),
        )
        return tuple(dict.fromkeys(name for name in named if name != self.name))

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations with names of the plan's own that come with it: its indexes, those of constraints too."""
        return (*(c.name for c in self.constraints if c.unique is not None), *(i.name for i in self.indexes))

    @property
    def types(self) -> tuple[SqlType, ...]:
        """The types of the columns."""
        return tuple(column.type for column in self.columns.values())

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple((place, expression) for place, expression in self._placed() if expression is not None)

    def _placed(self) -> Iterator[tuple[str, Expression | None]]:
        for name, column in self.columns.items():
            yield f"columns.{name}.default", column.default
            yield f"columns.{name}.generated.expression", column.generated.expression if column.generated else None
            yield f"columns.{name}.check", column.check
        for constraint in self.constraints:
            yield f"constraints.{constraint.name}.check", constraint.check
        for index in self.indexes:
            yield f"indexes.{index.name}.where", index.where

    @model_validator(mode="after")
    def _columns_that_it_has(self) -> Self:
        hint = f"name one of its columns: {', '.join(self.columns)}"
        faults = [
            FaultAt(place, f"the table has no column {shown(name)}", nearest(name, self.columns) or hint)
            for place, names in self._named()
            for name in names
            if name not in self.columns
        ]
        if faults:
            raise faults_at(faults, self)
        return self

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        constraints = [(("constraints", n, "name"), c.name) for n, c in enumerate(self.constraints)]
        relations = [(("constraints", n, "name"), c.name) for n, c in enumerate(self.constraints) if c.unique]
        relations += [(("indexes", n, "name"), index.name) for n, index in enumerate(self.indexes)]
        faults = dict(_twice(constraints, {})) | dict(_twice(relations, {self.name.name: "the table"}))
        if faults:
            raise faults_at(faults.values(), self)
        return self

    def _named(self) -> Iterator[tuple[tuple[str | int, ...], tuple[str, ...]]]:
        """Every list of the table's own columns, with its place."""
        yield ("primary_key",), self.primary_key or ()
        for n, constraint in enumerate(self.constraints):
            yield ("constraints", n, "unique"), constraint.unique or ()
            if constraint.foreign_key is not None:
                yield ("constraints", n, "foreign_key", "columns"), constraint.foreign_key.columns
        for n, index in enumerate(self.indexes):
            yield ("indexes", n, "columns"), index.columns


Place = tuple[str | int, ...]


def _twice(named: Iterable[tuple[Place, str]], taken: Mapping[str, str]) -> Iterator[tuple[Place, FaultAt]]:
    """Names that another one has that cannot have the same; `taken` says what has which to begin with."""
    holders = dict(taken)
    for place, name in named:
        if name in holders:
            yield place, FaultAt(place, f"{holders[name]} has the name {shown(name)}", "give it another name")
        holders.setdefault(name, f"{place[0]}[{place[1]}]")
