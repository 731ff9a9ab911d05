"""Fields that many kinds of change have, and the values that they take."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator

from crossfade.plan.entries import Entry, Given
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier, TableName, check_identifier
from crossfade.plan.types import SqlType

Prose = Annotated[str, StringConstraints(strip_whitespace=True)]
Note = Annotated[Prose | None, Given()]
Condition = Annotated[Expression | None, Given()]
Value = Annotated[Expression | None, Given()]
"""An expression that may be left out."""
Name = Annotated[Identifier | None, Given()]
"""An identifier that may be left out."""
Comment = Annotated[str | None, Given()]
"""What COMMENT ON says of an object; it may be left out."""
NOTE = "A remark for the people who review the plan."
INTENT = "Whether a person has confirmed what an import guessed: nothing runs while it is `unconfirmed`."
TABLE = "The table, `name` or `schema.name`; a part with a dot or a quote goes in double quotes."
TABLE_EXAMPLES = ["users", "shop.users", '"Odd.Schema"."My Table"']
# A pattern makes the JSON Schema of a mapping one of `patternProperties`, which closes it to anything else.
ColumnName = Annotated[str, AfterValidator(check_identifier), Field(json_schema_extra={"pattern": r"^[\s\S]{1,63}$"})]
Values = dict[ColumnName, Expression]
"""What columns get, by their names."""


Intent = Annotated[Literal["unconfirmed", "confirmed"] | None, Given()]


class ChangeModel(Entry):
    """What every kind of change has."""

    note: Note = Field(default=None, description=NOTE)
    intent: Intent = Field(default=None, description=INTENT)

    @field_validator("intent")
    @classmethod
    def _chosen(cls, intent: str | None) -> str | None:
        if intent == "unconfirmed":
            raise fault(
                "it is a guess at what a migration was meant to do, which nobody has confirmed",
                "write `intent: confirmed` if it is meant so; else put the other reading in its place, which stands "
                "in the comments beside it",
            )
        return intent

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that it is about, as far as the plan names them; an index stands for its table."""
        return ()

    @property
    def types(self) -> tuple[SqlType, ...]:
        """The data types that it names."""
        return ()

    @property
    def domains(self) -> tuple[TableName, ...]:
        """The domains that it is about, which means every table with a column of one."""
        return ()

    @property
    def changed_types(self) -> tuple[SqlType, ...]:
        """The types that are others for every table with a column of one, from contract on."""
        return ()

    @property
    def makes_types_anew(self) -> bool:
        """Whether other types take the place of these."""
        return False

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return ()

    @property
    def tells_shapes_apart(self) -> bool:
        """Whether a write of the old shape can be told from one of the new, so that legacy writes are seen."""
        return False

    @property
    def resting_indexes(self) -> tuple[TableName, ...]:
        """Indexes that nothing may read for as long as the gates of contract have to hold."""
        return ()

    @property
    def resting_tables(self) -> tuple[TableName, ...]:
        """Tables that nothing may read or write for as long as the gates of contract have to hold."""
        return ()

    @property
    def takes_name_away(self) -> bool:
        """Whether its table has another name from contract on, or meanwhile."""
        return False

    @property
    def given_up(self) -> tuple[TableName, ...]:
        """Names out of `tables` that nothing may have any more from contract on."""
        return self.tables[:1] if self.takes_name_away else ()

    @property
    def stands_alone(self) -> bool:
        """Whether no other change of the plan can work on its table."""
        return False

    @property
    def follows_references(self) -> bool:
        """Whether it goes on to tables that the plan does not name: those that reference the named one."""
        return False

    @property
    def watches_writes(self) -> bool:
        """Whether writes that a coming constraint would refuse are counted before it is enforced."""
        return False


class TableChange(ChangeModel):
    """What every change of one table has."""

    table: TableName = Field(description=TABLE, examples=TABLE_EXAMPLES)

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that it is about."""
        return (self.table,)


def placed(key: str, values: Values, where: Expression | None) -> Iterator[tuple[str, Expression]]:
    """The expressions of an entry with their places in it."""
    for column, expression in values.items():
        yield f"{key}.{column}", expression
    if where is not None:
        yield "where", where
