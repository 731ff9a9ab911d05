"""Files of goose's kind of layout, or loose ones, as what is imported of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crossfade.migrations.histories.history import Entry
from crossfade.migrations.imported import Imported, Origin, Step, imported
from crossfade.migrations.imported.certain import NOTHING_KNOWN, Known
from crossfade.migrations.migration import Migration, Tool
from crossfade.migrations.script import Script, Source
from crossfade.migrations.typed import Enums
from crossfade.plan.load import parse_plan
from crossfade.plan.model import Plan
from crossfade.postgres.catalog import Catalog
from crossfade.postgres.forecast import Schema

SUM = "a" * 64


def imports(*files: str, tool: Tool = Tool.PRISMA, known: Known = NOTHING_KNOWN, **given: Any) -> list[Imported]:
    """The files are `m1`, `m2`, … of an empty database."""
    schema, enums, found = Schema.of(Catalog(server_version=150000)), Enums(), []
    for number, sql in enumerate(files, start=1):
        path = Path(f"db/m{number}.sql")
        migration = Migration(name=f"m{number}", file=path, up=Script(source=Source(path, sql)))
        steps = []
        for statement in migration.up.statements:
            steps.append(Step(statement=statement, before=schema))
            _, schema = schema.foresee_tree(statement.tree)
        schema = schema.seen_by_others()
        entry = Entry(name=f"m{number}", file=str(path), checksum=SUM, after=f"m{number - 1}" if number > 1 else None)
        found.append(Origin(tool=tool, migration=migration, steps=tuple(steps), entry=entry, enums=enums))
        enums = found[-1].enums_after
    return list(imported(found, known=known, **given))


def plans(every: list[Imported]) -> list[Plan]:
    """All plans, read back."""
    return [parse_plan(plan.text, plan.file_name) for one in every for plan in one.plans]


def kinds(every: list[Imported]) -> list[list[str]]:
    """The kinds of change of each plan."""
    return [[change.kind for change in plan.changes] for plan in plans(every)]
