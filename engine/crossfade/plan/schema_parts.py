"""Parts of the plan's JSON Schema by their place in a plan: what is described there, for words about faults. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any

from crossfade.plan.schema import plan_json_schema


def schema_at(loc: tuple[int | str, ...]) -> dict[str, Any]:
    """The part of the JSON Schema that describes `loc`; empty where there is none."""
    schema = _schema()
    for part in loc:
        schema = _inside(schema, part)
    return schema


@cache
def _schema() -> dict[str, Any]:
    return plan_json_schema()


def _inside(schema: dict[str, Any], part: int | str) -> dict[str, Any]:
    for choice in schema.get("oneOf", [schema]):
        if isinstance(part, int):
            return _resolved(choice.get("items", {}))
        for key in ("properties", "patternProperties"):
            # An app's name matches the only pattern there is, or is itself what is wrong.
            found = choice.get(key, {})
            inner = found.get(part) if key == "properties" else next(iter(found.values()), None)
            if inner is not None:
                return _resolved(inner)
    return {}


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    # Of what may be a text alone or a mapping, keys are the mapping's.
    of_keys = (choice for choice in schema.get("anyOf", ()) if "$ref" in choice or "properties" in choice)
    schema = next(of_keys, schema)
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target: dict[str, Any] = _schema()["$defs"][reference.rpartition("/")[2]]
    return _resolved(target | {k: v for k, v in schema.items() if k != "$ref"})
