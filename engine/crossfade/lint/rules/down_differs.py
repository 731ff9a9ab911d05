"""A way down that does not lead back to where the way up began."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.undone import differences

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration

_MOST = 3


def _migration(migration: SeenMigration) -> Iterator[Said]:
    found = differences(migration)
    if not found:
        return
    shown = "; ".join(difference.words for difference in found[:_MOST])
    more = f"; and {len(found) - _MOST} more" if len(found) > _MOST else ""
    yield Said(
        of=migration.down[0],
        message=f"the way down does not take back the way up: {shown}{more}.",
        instead="\n".join(d.sql for d in reversed(found) if d.sql is not None) or None,
    )


RULE = Rule(
    id="down-differs",
    severity=Severity.WARNING,
    summary="after the way up and the way down the schema is another one",
    explanation="""
The rule goes up and down over its model of the schema, and compares what is left with what was there: tables, columns
with their types, NOT NULL and defaults, constraints and indexes by what they are over, enums and domains. It says
nothing where a statement does what the model cannot follow, such as a DO block.

A way down that forgets something fails the next time the way up is gone: the table, the column, the type is there
already.
""",
    migration=_migration,
)
