"""DROP TABLE, VIEW, MATERIALIZED VIEW and FOREIGN TABLE of what was there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.declared import dropped
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration

_KINDS = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE")


def _migration(migration: SeenMigration) -> Iterator[Said]:
    left = migration.after
    for seen in migration.steps:
        for name in dropped(seen, *_KINDS):
            table = seen.before.tables.get(name)
            if table is None or name not in seen.before.origins or name in left.tables:
                continue
            keys = sorted({str(holder.name) for holder, _ in seen.before.incoming(name) if holder.name != name})
            cascades = seen.tree.behavior.name == "DROP_CASCADE" and keys
            lost = f" CASCADE drops the foreign keys of {' and '.join(keys)} with it." if cascades else ""
            rows = "" if table.kind == "view" else "; its rows are gone"
            yield Said(
                of=seen,
                message=f"drops {name}: every running version that reads or writes it fails from then on{rows}.{lost}",
                instead="In a migration of its own, after the last version that uses it is no longer running.",
                is_planned=table.kind == "table",
            )


RULE = Rule(
    id="drop-table",
    severity=Severity.WARNING,
    breaks=True,
    summary="a dropped table or view breaks the versions of the app that are running",
    explanation="""
The drop takes a moment, under an ACCESS EXCLUSIVE lock on the table and on every table that its foreign keys point at.
Whatever still names the table fails, and only a backup has its rows.

Deploy first a version that does not use it, then drop it. The change `drop_table` waits with the drop until contract,
and can be rolled back until then. A table that the same migration has made, one of whose name something else is left
behind (see drop-and-create-table and view-replaced), and the way back are no findings.
""",
    migration=_migration,
)
