"""`remove_enum_values`."""

from typing import Annotated, ClassVar

from pydantic import Field, WithJsonSchema, field_validator

from crossfade.plan.changes.create_enum import TYPE_NAME, Label
from crossfade.plan.changes.fields import ChangeModel
from crossfade.plan.faults import fault
from crossfade.plan.types import SqlType
from crossfade.plan.words import shown

# A pattern makes the JSON Schema of a mapping one of `patternProperties`, which closes it to anything else.
Gone = Annotated[Label, Field(json_schema_extra={"pattern": r"^[\s\S]*$"})]
Instead = Annotated[Label | None, WithJsonSchema({"type": ["string", "null"]})]


class RemoveEnumValues(ChangeModel):
    """Take values out of an enum, in every table with a column of it. Old versions may write them until contract."""

    kind: ClassVar[str] = "remove_enum_values"

    type: SqlType = Field(description=TYPE_NAME, examples=["mood", "shop.status"])
    map_: dict[Gone, Instead] = Field(
        alias="map",
        min_length=1,
        description="The values that go, each with the one that takes its place in rows, or null for NULL.",
        examples=[{"refunded": "cancelled", "unknown": None}],
    )

    @property
    def types(self) -> tuple[SqlType, ...]:
        """The enum."""
        return (self.type,)

    @property
    def changed_types(self) -> tuple[SqlType, ...]:
        """The enum."""
        return (self.type,)

    @property
    def makes_types_anew(self) -> bool:
        """Always."""
        return True

    @field_validator("map_")
    @classmethod
    def _to_what_stays(cls, values: dict[str, str | None]) -> dict[str, str | None]:
        for gone, instead in values.items():
            if instead in values:
                raise fault(
                    f"{shown(gone)} becomes {shown(str(instead))}, which goes as well", "map it to a value that stays"
                )
        return values
