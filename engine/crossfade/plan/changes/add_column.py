"""`add_column`."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from crossfade.plan.changes.fields import TABLE, TABLE_EXAMPLES, Condition, Name, Prose, TableChange, Value
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier, TableName
from crossfade.plan.types import SqlType

Action = Literal["no action", "restrict", "cascade", "set null", "set default"]


class Generated(PlanPart):
    """What a generated column is computed from."""

    expression: Expression = Field(description="An SQL expression over the row's columns.", examples=["lower(email)"])
    kind: Literal["stored", "virtual"] = Field(
        default="stored",
        description="`stored` is kept in the row, which writes the table anew; `virtual` (PostgreSQL 18) is computed "
        "when it is read.",
    )


class References(PlanPart):
    """The table that a foreign key references."""

    table: TableName = Field(description=TABLE, examples=TABLE_EXAMPLES)
    column: Name = Field(default=None, description="The column there; without it the primary key.", examples=["id"])
    on_delete: Action = Field(default="no action", description="What a DELETE there does here.")
    on_update: Action = Field(default="no action", description="What a change of the key there does here.")


class AddColumn(TableChange):
    """Add a column: in place where PostgreSQL need not touch a row, else empty first and then filled in batches."""

    kind: ClassVar[str] = "add_column"

    name: Identifier = Field(description="The new column's name.", examples=["nickname"])
    type: SqlType = Field(description="Its type.", examples=["text", "numeric(12,2)", "uuid"])
    nullable: bool = Field(default=True, description="Whether it may be NULL.")
    default: Value = Field(
        default=None,
        description="Its DEFAULT, an SQL expression. A volatile one (`gen_random_uuid()`) fills the old rows in "
        "batches; any other is there for all rows at once.",
        examples=["'new'", "now()"],
    )
    fill: Value = Field(
        default=None,
        description="What the rows that are there, and rows of old versions, get: an SQL expression over the row's "
        "columns.",
        examples=["split_part(email, '@', 1)"],
    )
    generated: Annotated[Generated | None, Given()] = Field(
        default=None, description="Make it a generated column, of a mapping with `expression` and `kind`."
    )
    identity: Annotated[Literal["always", "by default"] | None, Given()] = Field(
        default=None, description="Make it an identity column, with numbers from a sequence."
    )
    references: Annotated[References | None, Given()] = Field(
        default=None,
        description="A foreign key, of a mapping with `table`, `column`, `on_delete` and `on_update`.",
    )
    check: Condition = Field(
        default=None,
        description="A CHECK: an SQL expression over the row's columns.",
        examples=["length(nickname) < 40"],
    )
    unique: bool = Field(default=False, description="Whether its values are unique.")
    comment: Annotated[Prose | None, Given()] = Field(default=None, description="Its comment.")
    collation: Annotated[TableName | None, Given()] = Field(
        default=None, description="Its collation, `name` or `schema.name`.", examples=["C", "pg_catalog.unicode"]
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The table, and the one that it references."""
        return (self.table,) if self.references is None else (self.table, self.references.table)

    @property
    def types(self) -> tuple[SqlType, ...]:
        """Its type."""
        return (self.type,)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        generated = self.generated.expression if self.generated else None
        written = (
            ("default", self.default),
            ("fill", self.fill),
            ("generated.expression", generated),
            ("check", self.check),
        )
        return tuple((place, expression) for place, expression in written if expression is not None)

    @property
    def watches_writes(self) -> bool:
        """Where a row can have a value that its constraints, which come in contract, would refuse."""
        given = self.fill or self.default
        if given is None:
            return False
        alone = self.fill is None and given.is_constant and set(self.check.columns if self.check else ()) <= {self.name}
        check = self.check is not None and not alone
        left_empty = self.fill is not None and not self.fill.is_constant and not self.nullable
        return check or self.references is not None or left_empty

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        of_server = [key for key in ("generated", "identity") if getattr(self, key) is not None]
        of_plan = [key for key in ("default", "fill") if getattr(self, key) is not None]
        if len(of_server) > 1 or (of_server and of_plan):
            first, second, *_ = (*of_server, *of_plan)
            raise fault(f"both `{first}` and `{second}` would give the column its value", "leave one of them out")
        if not self.nullable and not of_server and not of_plan:
            raise fault(
                "a NOT NULL column without a value for the rows that are there, and for those of old versions",
                "give it a `default` or a `fill`",
            )
        return self
