"""A migration whose name does not say what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration

_WORDS = re.compile(r"[^\W\d_]+")
_EMPTY_TEXT = "change changes fix fixes migrate migration misc new schema sql stuff test tmp todo update updates v wip"
_EMPTY = frozenset(_EMPTY_TEXT.split())


def _migration(migration: SeenMigration) -> Iterator[Said]:
    name = migration.migration.name
    if migration.migration.up.statements and {word.lower() for word in _WORDS.findall(name)} <= _EMPTY:
        yield Said(
            message=f"the name {name} does not say what the migration does.",
            instead="A name such as 0042_add_country_to_users.",
        )


RULE = Rule(
    id="migration-name",
    severity=Severity.NOTE,
    opt_in=True,
    summary="a migration's name should say what it does",
    explanation="""
A list of pending migrations, a history and an error all show the name and nothing else. The rule speaks of names that
are a number only, or have no word in them but such as fix, update or migration.
""",
    migration=_migration,
)
