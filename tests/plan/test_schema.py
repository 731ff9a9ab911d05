"""The JSON Schema says what the models say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from crossfade.errors import InvalidPlan
from crossfade.plan.load import parse_plan
from crossfade.plan.schema import plan_json_schema

from .bad_plans import APPS, CHANGES, DATA, GATES, GOOD, IGNORE, KEYS, ROSTER, VALUES, Bad
from .good_plans import DATA_PLAN, FULL, PLANS

KEPT = Path(__file__).parents[2] / "docs" / "reference" / "plan.schema.json"
VALIDATOR = Draft202012Validator(plan_json_schema())

# Facts that a schema cannot state, or that the text loses before a schema sees it.
BEYOND_A_SCHEMA = {
    "repeated-key",
    "repeated-inside",
    "name-newline",
    "batch-float",
    "number-key",
    "list-key",
    "truth-key",
    "format-float",
    "hold-huge",
    "expires-zero",
    "lock-timeout",
    "lock-limit",
    "same-name",
    "to-64-bytes-in-32-letters",
    "table-parts",
    "table-empty-part",
    "table-spaces",
    "table-quote",
    "table-open-quote",
    "table-injection",
    "set-no-sql",
    "set-two",
    "set-subquery",
    "where-injection",
    "where-comment",
    "where-column-of-table",
    "archive-same",
    "into-same",
    "moved-key",
    "columns-no-sql",
    "schema-and-data",
    "data-and-schema",
    "version-caret",
    "version-short",
    "version-blank",
    "version-two-exact",
    "version-pep440",
    "version-calver",
    "version-git-range",
    "order-missing",
    "order-not-ordered",
    "order-twice",
    "order-unlisted",
    "ttl-zero",
    "gate-twice",
    "gate-phase",
    "app-unknown",
    "app-without-roster",
    "ignore-everybody",
    "ignore-any-name",
    "ignore-address",
    "ignore-host-bits",
    "ignore-mask",
    "ignore-twice",
    "ignore-same",
    "ignore-without-roster",
    "strangers-without-roster",
    "strangers-phase",
}


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_the_kept_schema_is_the_generated_one() -> None:
    written = json.dumps(plan_json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert KEPT.read_text(encoding="utf-8") == written, (
        "write it again: crossfade schema > docs/reference/plan.schema.json"
    )


def test_the_schema_is_a_schema_and_closed_everywhere() -> None:
    schema = plan_json_schema()
    Draft202012Validator.check_schema(schema)
    objects = [o for o in _parts(schema) if o.get("type") == "object"]
    assert len(objects) > 10
    assert all(o["additionalProperties"] is False for o in objects)
    # What can also be written as a name alone has its mapping beside the text.
    models = [m for o in schema["$defs"].values() for m in o.get("anyOf", [o]) if m["type"] == "object"]
    assert all(p.get("description") for m in models for p in m["properties"].values())


@pytest.mark.parametrize("text", [GOOD, ROSTER, FULL, DATA_PLAN, *(p.read_text(encoding="utf-8") for p in PLANS)])
def test_good_plans_pass_the_schema(text: str) -> None:
    parse_plan(text, "p.yaml")
    VALIDATOR.validate(read(text))


@pytest.mark.parametrize(
    "bad",
    [b for b in [*KEYS, *VALUES, *CHANGES, *DATA, *APPS, *IGNORE, *GATES] if b.id not in BEYOND_A_SCHEMA],
    ids=lambda b: b.id,
)
def test_an_editor_sees_what_the_loader_refuses(bad: Bad) -> None:
    assert isinstance(bad.text, str)
    with pytest.raises(InvalidPlan):
        parse_plan(bad.text, "p.yaml")
    assert not VALIDATOR.is_valid(read(bad.text))


def test_examples_and_defaults_in_the_schema_fit_it() -> None:
    schema = plan_json_schema()
    for part in _parts(schema):
        for value in [*part.get("examples", ()), *([part["default"]] if "default" in part else ())]:
            Draft202012Validator({**part, "$defs": schema["$defs"]}).validate(value)


def _parts(schema: Any) -> list[dict[str, Any]]:
    """Every schema within a schema; a mapping of properties has names for keys, and is none itself."""
    if isinstance(schema, dict):
        below = [
            part
            for key, value in schema.items()
            if key not in ("default", "examples")
            for inner in (value.values() if key in ("properties", "$defs", "patternProperties") else (value,))
            for part in _parts(inner)
        ]
        return [schema, *below]
    return [p for v in schema for p in _parts(v)] if isinstance(schema, list) else []
