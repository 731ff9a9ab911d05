"""A statement that changes what the project's settings say is fixed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.changed_objects import changed_by

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_INSTEAD = (
    "Let the app see it otherwise: by a view in a schema of your own, by @map in schema.prisma or another name in a "
    "Drizzle schema, by a typed query. crossfade types prints its types as it is."
)


def _statement(seen: SeenStatement) -> Iterator[Said]:
    told: set[str] = set()
    for changed in changed_by(seen.before, seen.tree) if seen.fixed.entries else ():
        entry = seen.fixed.entry_for(changed.schema, changed.name)
        if entry is not None and str(changed) not in told:
            told.add(str(changed))
            yield Said(
                message=f"{changed.does} {changed}, which the project's settings have under `fixed`: {entry.text}.",
                instead=_INSTEAD,
            )


RULE = Rule(
    id="fixed-schema",
    severity=Severity.ERROR,
    summary="something is changed that the project's settings say is fixed",
    explanation="""
`fixed` in the settings of crossfade names schemas and tables that belong to somebody else: `legacy.*` is everything in
a schema, `billing.invoices` one table. Nothing of this project may make, change, rename or drop anything there, nor
write rows. What is reached without being named counts too: by CASCADE, through a view, by a new partition or child.
Reading is free, and so is a foreign key that points there. Instead, let the app see it in another way: by a view in a
schema of your own, by @map and @@map in schema.prisma or other names in a Drizzle schema, or by a typed query.
`crossfade types` prints the types of what is there.
""",
    statement=_statement,
)
