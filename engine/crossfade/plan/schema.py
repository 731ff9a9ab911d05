"""The JSON Schema of plan files, from the models themselves, so that editors complete and check a plan."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from crossfade.plan.durations import format_duration
from crossfade.plan.entries import PlanPart
from crossfade.plan.model import Plan

if TYPE_CHECKING:
    from pydantic_core import core_schema


def plan_json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12."""
    schema = Plan.model_json_schema(by_alias=True, mode="validation", schema_generator=_PlanSchema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Crossfade plan"}


class _PlanSchema(GenerateJsonSchema):
    """Says it as files do: durations as texts, and no null for what may be left out."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        if described.get("default", ...) is None:
            del described["default"]
        return described

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, PlanPart):
            return dft.model_dump(mode="json", by_alias=True, exclude_none=True)
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        described = super().dict_schema(schema)
        if "patternProperties" in described:
            described["additionalProperties"] = False
        return described

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # the key says enough, whatever the type
        return False
