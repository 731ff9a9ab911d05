"""Prints docs/reference/changes.md: every kind of change with its keys, from the models that read them.

python -m tests.docs.changes_page > docs/reference/changes.md
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crossfade.plan.changes import Change
from crossfade.plan.entries import Entry, kinds_of
from crossfade.plan.schema import plan_json_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """# Changes

Every kind of change and its keys, printed from the models by `python -m tests.docs.changes_page`. What happens in each
phase stands in [operations](../operations/README.md). `note`, a remark for the people who review the plan, can stand in
every change; so can `intent`, which says whether a person has confirmed what an import guessed: nothing runs while it
is `unconfirmed`.
"""


def page() -> str:
    """The whole page."""
    definitions = plan_json_schema()["$defs"]
    kinds = sorted(kinds_of(Change).items())
    lines = (line for kind, model in kinds for line in _section(kind, model, definitions[model.__name__]))
    return "\n".join([_HEAD, *lines]).rstrip() + "\n"


def _section(kind: str, model: type[Entry], definition: dict[str, Any]) -> Iterator[str]:
    yield f"## `{kind}`"
    yield ""
    yield f"{_flat(model.__doc__ or '')} [What happens](../operations/{kind}.md)."
    yield ""
    yield "| key | what | default |"
    yield "|---|---|---|"
    for key, described in _properties(definition):
        yield f"| `{key}` | {described['what']} | {described['default']} |"
    yield ""


def _properties(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    required = set(definition.get("required", ()))
    for key, schema in definition["properties"].items():
        if key in {"note", "intent"}:
            continue
        shown = f"e.g. `{_written(schema['examples'][0])}`" if schema.get("examples") else ""
        what = _flat(schema.get("description", ""))
        yield (
            key,
            {
                "what": f"{what} {shown}".strip(),
                "default": "required" if key in required else _default(schema),
            },
        )


def _default(schema: dict[str, Any]) -> str:
    return f"`{_written(schema['default'])}`" if "default" in schema and schema["default"] is not None else ""


def _written(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("|", "\\|").replace("`", "'")


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201  # the page is the output
