"""What an index is, as a plan writes it: its keys, its method, which rows it holds. Several kinds of change have it."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from crossfade.plan.changes.fields import ChangeModel, Condition, Name, Prose
from crossfade.plan.entries import Given, PlanPart
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier, TableName

INDEX = "The index, `name` or `schema.name`; a part with a dot or a quote goes in double quotes."
INDEX_EXAMPLES = ["users_email_idx", "shop.users_email_idx"]
ObjectName = Annotated[TableName | None, Given()]
"""The name of an object, with or without its schema, that may be left out."""
Setting = bool | int | float | Annotated[str, Field(min_length=1, max_length=100)]
Settings = dict[Annotated[str, Field(json_schema_extra={"pattern": r"^[\s\S]{1,63}$"})], Setting]
"""Storage parameters by their names."""


class IndexKey(PlanPart):
    """One key of an index: a column or an expression, and how it is ordered. A column alone is written as its name."""

    column: Name = Field(default=None, description="A column.", examples=["email"])
    expression: Annotated[Expression | None, Given()] = Field(
        default=None,
        description="An SQL expression over the row's columns in place of a column.",
        examples=["lower(email)"],
    )
    order: Literal["asc", "desc"] = Field(default="asc", description="The order.")
    nulls: Annotated[Literal["first", "last"] | None, Given()] = Field(
        default=None, description="Where NULL is; left out, last in `asc` and first in `desc`."
    )
    collation: ObjectName = Field(default=None, description="A collation other than the column's.", examples=["C"])
    opclass: ObjectName = Field(
        default=None, description="An operator class other than the type's default.", examples=["gin_trgm_ops"]
    )

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        if (self.column is None) == (self.expression is None):
            raise fault("expected either a `column` or an `expression`", "write the one that the index is over")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A column's name, or a mapping."""
        return {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 63}, handler(schema)]}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it uses."""
        return (self.column,) if self.column is not None else self.expression.columns if self.expression else ()


class IndexShape(ChangeModel):
    """What an index is over, whatever it is called."""

    columns: tuple[IndexKey, ...] = Field(
        min_length=1,
        max_length=32,
        description="The keys in their order: a column's name, or a mapping with `column` or `expression` and what it "
        "is besides.",
        examples=[["email"], [{"expression": "lower(email)"}, {"column": "id", "order": "desc"}]],
    )
    method: Identifier = Field(default="btree", description="The access method.", examples=["gin"])
    where: Condition = Field(
        default=None, description="Which rows it holds; all of them without it.", examples=["deleted_at IS NULL"]
    )
    include: tuple[Identifier, ...] = Field(
        default=(), description="Columns that are stored in it beside the keys.", examples=[["name"]]
    )
    unique: bool = Field(
        default=False,
        description="Whether no two rows may have the same keys. It holds for every version of the app from the "
        "moment that it is built.",
    )
    nulls_not_distinct: bool = Field(
        default=False, description="Whether NULL counts as equal to NULL in a unique one; PostgreSQL 15 or newer."
    )
    with_: Settings = Field(default={}, alias="with", description="Storage parameters.", examples=[{"fillfactor": 70}])
    tablespace: Name = Field(default=None, description="The tablespace; the database's default without it.")
    comment: Annotated[Prose | None, Given()] = Field(default=None, description="The index's comment.")

    @property
    def used_columns(self) -> tuple[str, ...]:
        """Every column that it uses, each once."""
        where = self.where.columns if self.where else ()
        keys = (column for key in self.columns for column in key.columns)
        return tuple(dict.fromkeys((*keys, *self.include, *where)))

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        keys = tuple((f"columns.{n}", key.expression) for n, key in enumerate(self.columns) if key.expression)
        return (*keys, *((("where", self.where),) if self.where else ()))

    @model_validator(mode="after")
    def _only_of_unique_ones(self) -> Self:
        if self.nulls_not_distinct and not self.unique:
            raise fault("`nulls_not_distinct` is about a unique index, and this one is not", "add `unique: true`")
        return self
