"""An enum built anew without one of its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.enums import made_by
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.names import literal

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject
    from crossfade.postgres.names import QualifiedName


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    enums = project.enums
    for migration in project.migrations:
        before = enums.labels
        made, enums = made_by(migration, enums)
        for name, seen in made.items():
            was, now = before.get(name, ()), enums.labels[name]
            gone, new = [v for v in was if v not in now], [v for v in now if v not in was]
            if gone:
                yield (
                    migration,
                    Said(
                        of=seen,
                        message=_message(name, gone, new),
                        instead=_instead(name, gone, new),
                        is_planned=True,
                    ),
                )


def _message(name: QualifiedName, gone: list[str], new: list[str]) -> str:
    shown = list(map(literal, gone))
    one = " or ".join(shown)
    added = " and ".join(map(literal, new))
    more = f", with {added} instead" if new else ""
    return (
        f"builds the enum {name} anew without {' and '.join(shown)}{more}: the migration fails where a row "
        f"has {one}, and a running version that writes {one} fails from then on."
    )


def _instead(name: QualifiedName, gone: list[str], new: list[str]) -> str:
    if len(gone) == len(new) == 1:
        return (
            "-- if it is the same value by another name; no row is touched, but old versions do not know it\n"
            f"ALTER TYPE {name} RENAME VALUE {literal(gone[0])} TO {literal(new[0])};"
        )
    return (
        "Leave the value in the type, and forbid it by a CHECK on the column: added NOT VALID, and validated in a "
        "transaction of its own."
    )


RULE = Rule(
    id="enum-rebuilt",
    severity=Severity.WARNING,
    breaks=True,
    summary="an enum built anew without a value fails on the rows that have it",
    explanation="""
PostgreSQL cannot take a value out of an enum, so ORMs make a second type, cast each column to text and on to the new
type, and swap the names. Where a row has a value that the new type lacks, the cast fails; a value that was renamed in
the ORM's schema is such a one. The cast writes the table anew besides, which is a finding of its own.

The changes `remove_enum_values` and `rename_enum_value` say what becomes of the rows that have the value, and keep both
types until contract.
""",
    project=_project,
)
