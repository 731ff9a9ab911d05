"""What a tool's own files tell an import: schema.prisma, and the snapshots of drizzle-kit, which tell what was renamed
and what there is before the first migration.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.errors import UsageError
from crossfade.migrations.drizzle_snapshots import Document, Rename, Row, renames_of, state_before
from crossfade.migrations.migration import Tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crossfade.cli.import_origins import Start
    from crossfade.migrations.imported.certain import Known
    from crossfade.migrations.migration import Migration, Project

_BROKEN = "Take it back from version control; without the file nothing is known of renames."


def known_to_prisma(here: Path) -> Known:
    """What schema.prisma tells, or a folder of such files above or in this one."""
    from crossfade.migrations.imported.certain import NOTHING_KNOWN, Known
    from crossfade.migrations.prisma_schema import prisma_schema

    for place in (here, here / "prisma", Path(os.path.normpath(here / ".."))):
        files = sorted([*place.glob("*.prisma"), *place.glob("schema/*.prisma")])
        if files:
            try:
                text = "\n".join(file.read_text(encoding="utf-8") for file in files)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8"
                raise UsageError(f"cannot read the schema of Prisma in {place}: {reason}") from None
            return Known(prisma=prisma_schema(text))
    return NOTHING_KNOWN


def renames(project: Project) -> Mapping[str, frozenset[Rename]]:
    """By the name of the migration; of a project of Drizzle alone."""
    if project.tool not in {Tool.DRIZZLE, Tool.DRIZZLE_1}:
        return {}
    found = ((m.name, _document(_snapshot(project, m))) for m in project.migrations)
    return {name: renames_of(document) for name, document in found if document is not None}


def with_snapshot(start: Start, project: Project) -> Start:
    """The start with the schema that the first migration finds, where the files do not make it.

    A project that began with `drizzle-kit pull` has a first migration that is a comment.
    """
    from crossfade.migrations.drizzle_ddl import statements
    from crossfade.postgres.forecast.trees import NotOneStatement, one_statement

    schema, enums = start.schema, start.enums
    for text in statements(_before(project) or ()):
        try:
            tree = one_statement(text)
        except NotOneStatement:
            continue
        enums = enums.after(tree, schema)
        _, schema = schema.foresee_tree(tree)
    return replace(start, schema=schema.seen_by_others(), enums=enums)


def _before(project: Project) -> Iterable[Row] | None:
    if project.tool not in {Tool.DRIZZLE, Tool.DRIZZLE_1}:
        return None
    first = next((m for m in project.migrations if m.up.statements), None)
    document = _document(_snapshot(project, first)) if first is not None else None
    if document is None:
        return None
    every = project.root.glob("meta/*_snapshot.json" if project.tool is Tool.DRIZZLE else "*/snapshot.json")
    others = {str(one["id"]): one for one in map(_document, every) if one is not None and "id" in one}
    return state_before(document, others)


def _snapshot(project: Project, migration: Migration) -> Path:
    if project.tool is Tool.DRIZZLE_1:
        return migration.file.parent / "snapshot.json"
    return project.root / "meta" / f"{migration.name.split('_')[0]}_snapshot.json"


def _document(file: Path) -> Document | None:
    """The snapshot in a file; None where there is none. Raises UsageError where it cannot be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON"
        raise UsageError(f"cannot read the snapshot {file}: {reason}", hint=_BROKEN) from None
    if not isinstance(found, dict):
        raise UsageError(f"cannot read the snapshot {file}: it is no object", hint=_BROKEN)
    return found
