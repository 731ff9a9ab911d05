"""What tells Prisma and Drizzle to leave fixed tables alone: a piece of their own settings. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.plan.fixed import Fixed
    from crossfade.postgres.names import QualifiedName
    from crossfade.types.model import Model

_TABLES = frozenset({"table", "partitioned", "foreign"})


def prisma(model: Model, fixed: Fixed) -> str:
    """Keys of `prisma.config.ts`: Prisma 7 keeps such tables in its client and writes no migration for them."""
    tables = [f"{r.name.schema}.{r.name.name}" for r in model.relations if r.kind in _TABLES and _is(fixed, r.name)]
    enums = [f"{e.name.schema}.{e.name.name}" for e in model.enums if _is(fixed, e.name)]
    lines = ["// prisma.config.ts, in defineConfig({ … })", "experimental: {", "  externalTables: true,", "},"]
    lines += ["tables: {", *_list("external", tables, "  "), "},"]
    if enums:
        lines += ["enums: {", *_list("external", enums, "  "), "},"]
    return "\n".join(lines) + "\n"


def drizzle(model: Model, fixed: Fixed) -> str:
    """Keys of `drizzle.config.ts`: the schemas that are Drizzle's, and the tables in them that are not."""
    whole = {entry.schema for entry in fixed.entries if entry.name is None}
    named = [*(relation.name for relation in model.relations), *model.type_names]
    ours = sorted({name.schema for name in named if name.schema not in whole} | _mixed(fixed, whole))
    tables = sorted({r.name.name for r in model.relations if r.name.schema in ours and _is(fixed, r.name)})
    lines = ["// drizzle.config.ts, in defineConfig({ … })", *_list("schemaFilter", ours)]
    if tables:
        lines += _hidden_too(model, fixed, ours, tables)
        lines += _list("tablesFilter", ["*", *(f"!{name}" for name in tables)])
    return "\n".join(lines) + "\n"


def _mixed(fixed: Fixed, whole: set[str]) -> set[str]:
    """Schemas of which some tables only are fixed."""
    return {entry.schema for entry in fixed.entries} - whole


def _hidden_too(model: Model, fixed: Fixed, ours: list[str], tables: list[str]) -> Iterator[str]:
    """The filter knows no schemas: what else has such a name is left alone as well."""
    for relation in model.relations:
        name = relation.name
        if name.schema in ours and name.name in tables and not _is(fixed, name):
            yield f"// {name} has the name of a fixed table, and Drizzle leaves it alone too"


def _is(fixed: Fixed, name: QualifiedName) -> bool:
    return fixed.entry_for(name.schema, name.name) is not None


def _list(key: str, texts: Iterable[str], indent: str = "") -> list[str]:
    shown = [json.dumps(text, ensure_ascii=False) for text in texts]
    return [f"{indent}{key}: [", *(f"{indent}  {text}," for text in shown), f"{indent}],"]
