"""The plan that does what a statement does, without what a rule found in it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed import Enums, plans_of, typed_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crossfade.lint.seen import SeenMigration, SeenProject
    from crossfade.migrations.script import SqlStatement

_BETWEEN = "---\n"
"""Between the plans where one has to be through before the next begins, as YAML has it between documents."""


class Plans:
    """The plans of a project's statements; a migration is read as changes when one of them is asked for."""

    def __init__(self, project: SeenProject) -> None:
        self._migrations = project.migrations
        self._known: dict[int, Mapping[int, str]] = {}
        self._enums: dict[int, Enums] = {}

    def plan_for(self, migration: SeenMigration, statement: SqlStatement) -> str | None:
        """YAML, or None where no kind of change does it."""
        if id(migration) not in self._known:
            self._known[id(migration)] = _plans(migration, self._enums_before(migration))
        return self._known[id(migration)].get(id(statement))

    def _enums_before(self, migration: SeenMigration) -> Enums:
        if not self._enums:
            enums = Enums()
            for each in self._migrations:
                self._enums[id(each)] = enums
                for seen in each.steps:
                    enums = enums.after(seen.tree, seen.before)
        return self._enums[id(migration)]


def _plans(migration: SeenMigration, enums: Enums) -> Mapping[int, str]:
    seen = [one for one in migration.up if one.inside is None]
    found: dict[int, str] = {}
    for change in typed_all([one.statement for one in seen], [one.before for one in seen], enums):
        plan = _BETWEEN.join(plans_of(change))
        for statement in change.statements if plan else ():
            known = found.get(id(statement))
            found[id(statement)] = plan if known is None else f"{known}{_BETWEEN}{plan}"
    return found
