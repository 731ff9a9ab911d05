"""Entries of a list that are written as a mapping with one key, the kind: `- rename_column: {table: users, …}`.

A kind is a model with a `kind` of its own; the union of the models is the registry. In the model an entry is the plain
value of its kind; the one-key form exists in files and in JSON only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from crossfade.plan.faults import fault
from crossfade.plan.words import nearest, one_of, shown

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue


class PlanPart(BaseModel):
    """What all models of a plan share: frozen, no conversions, no unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)


def with_tuples(value: Any) -> Any:
    """A JSON document as models take it: its lists as tuples."""
    if isinstance(value, dict):
        return {key: with_tuples(inner) for key, inner in value.items()}
    return tuple(with_tuples(inner) for inner in value) if isinstance(value, list) else value


class Entry(PlanPart):
    """One kind of entry; subclasses set `kind`, the key that it is written under."""

    kind: ClassVar[str]


def kinds_of(union: Any) -> dict[str, type[Entry]]:
    """The registry of a union of entries, by kind."""
    return {m.kind: m for m in get_args(union) or (union,)}


@dataclass(frozen=True, slots=True)
class Given:
    """Marks a field that may be left out, but not left empty: a key without a value is a slip."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """What the field takes, except for nothing."""
        return core_schema.no_info_before_validator_function(_not_nothing, handler(source))


def _not_nothing(value: object) -> object:
    if value is None:
        raise fault("a key without a value", "write the value after the colon, or remove the key")
    return value


@dataclass(frozen=True, slots=True)
class OneKey:
    """Marks a union of entries as written under their kind; `noun` is what messages call one."""

    noun: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A union told apart by the one key; the key becomes part of the position of whatever is wrong inside."""
        models = kinds_of(source)

        def one_key(value: object) -> object:
            return self._checked(value, list(models))

        def within(kind: str) -> CoreSchema:
            return core_schema.no_info_before_validator_function(lambda value: value[kind], handler(models[kind]))

        def written(entry: Entry, info: core_schema.SerializationInfo) -> dict[str, object]:
            inner = entry.model_dump(
                mode=info.mode, by_alias=True, exclude_defaults=info.exclude_defaults, exclude_none=info.exclude_none
            )
            return {entry.kind: inner}

        union = core_schema.tagged_union_schema({kind: within(kind) for kind in models}, _kind_written)
        return core_schema.no_info_before_validator_function(
            one_key,
            union,
            serialization=core_schema.plain_serializer_function_ser_schema(written, info_arg=True),
            metadata={"kinds": list(models)},
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """One object per kind, with that key and no other."""
        kinds = schema["metadata"]["kinds"]
        inner = handler(schema)
        models = inner.get("oneOf", [inner])
        entries = [
            {"type": "object", "properties": {kind: model}, "required": [kind], "additionalProperties": False}
            for kind, model in zip(kinds, models, strict=True)
        ]
        return {"oneOf": entries}

    def _checked(self, value: object, kinds: list[str]) -> object:
        known = one_of(kinds)
        if not isinstance(value, dict):
            name = value if isinstance(value, str) else "…"
            hint = f"write `{name}: {{}}`" if name in kinds else f"begin it with its kind: {known}"
            raise fault(f"expected a {self.noun}, a mapping with one key; got {_described(value)}", hint)
        if not value:
            raise fault(f"a {self.noun} without a kind", f"begin it with its kind: {known}")
        if len(value) > 1:
            kind = next((k for k in value if k in kinds), kinds[0])
            message = f"a {self.noun} has one key, its kind; here are {len(value)}: {', '.join(map(shown, value))}"
            raise fault(message, f"indent everything else further, below `{kind}:`, or start it with a dash of its own")
        kind = next(iter(value))
        if kind not in kinds:
            raise fault(f"unknown {self.noun} {shown(kind)}", nearest(kind, kinds) or f"this version knows {known}")
        return value


def _kind_written(value: object) -> str | None:
    return next(iter(value)) if isinstance(value, dict) else None


def _described(value: object) -> str:
    if isinstance(value, tuple | list):
        return "a list"
    return "nothing" if value is None else shown(value)
