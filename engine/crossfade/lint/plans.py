"""The plans that do what a statement does, without what a rule found in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from crossfade.lint.transactions import taken_back
from crossfade.migrations.typed import Enums, as_change, doubt_of, plan_name, typed_all
from crossfade.plan.written import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crossfade.lint.seen import SeenMigration, SeenProject
    from crossfade.migrations.script import SqlStatement
    from crossfade.migrations.typed import Entry, Typed

_BETWEEN = "---\n"
"""Between plans, as YAML has it between documents."""
_WHEN = ", for when the one before is contracted."
_COLUMNS: Mapping[str, str | None] = {
    "add_check": None,
    "add_column": "name",
    "add_foreign_key": "columns",
    "add_primary_key": "columns",
    "add_unique": "columns",
    "change_type": "column",
    "drop_column": "column",
    "drop_default": "column",
    "drop_not_null": "column",
    "set_default": "column",
    "set_not_null": "column",
}
"""Kinds of change that go with others of their table where none works on another's columns, and the key that has these;
what expressions read counts too.
"""


class Plans:
    """The plans of a project's statements; a migration is read as changes when one of them is asked for."""

    def __init__(self, project: SeenProject) -> None:
        self._migrations, self._first = project.migrations, project.enums
        self._known: dict[int, Mapping[int, list[Typed]]] = {}
        self._enums: dict[int, Enums] = {}
        self._plans: dict[int, str | None] = {}

    def plan_for(self, migration: SeenMigration, statement: SqlStatement) -> str | None:
        """YAML, or None where no kind of change does it."""
        if id(statement) not in self._plans:
            if id(migration) not in self._known:
                self._known[id(migration)] = _changes(migration, self._enums_before(migration))
            changes = self._known[id(migration)].get(id(statement), [])
            self._plans[id(statement)] = _BETWEEN.join(plans_of(changes)) or None
        return self._plans[id(statement)]

    def _enums_before(self, migration: SeenMigration) -> Enums:
        if not self._enums:
            enums = self._first
            for each in self._migrations:
                self._enums[id(each)] = enums
                for seen in each.steps:
                    enums = enums.after(seen.tree, seen.before)
        return self._enums[id(migration)]


def _changes(migration: SeenMigration, enums: Enums) -> Mapping[int, list[Typed]]:
    """By statement; what is rolled back, or may be, is in no plan."""
    whole = migration.migration
    undone = {
        id(statement) for one in taken_back(whole.up.statements, whole.transaction) for statement in one.statements
    }
    seen = [one for one in migration.up if one.inside is None and id(one.statement) not in undone]
    changes: dict[int, list[Typed]] = {}
    for change in typed_all([one.statement for one in seen], [one.before for one in seen], enums):
        for statement in change.statements:
            changes.setdefault(id(statement), []).append(change)
    return changes


@dataclass(slots=True)
class _Part:
    """What goes into one plan."""

    entries: list[Entry]
    comment: str
    """Above the first."""
    is_alone: bool
    """Nothing else is in its plan."""


class _Columns(NamedTuple):
    """Columns that entries have to do with."""

    named: frozenset[str]
    taken: frozenset[str]
    """Those that no other entry may work on: a column that is added may be used by what comes later."""


def plans_of(changes: Sequence[Typed]) -> tuple[str, ...]:
    """The plans that do what these do: one where they can be in one, else several, one after the other.

    None at all of what only an `sql` change does, or of what changes nothing.
    """
    parts = _joined([part for change in changes for part in _parts(change)])
    if len(parts) == 1:
        (only,) = parts
        return (written(plan_name(tuple(only.entries)), only.entries, [only.comment]),)
    names, of = _names(parts), len(parts)
    heads = (f"Plan {n} of {of}, each in a file of its own{_WHEN if n > 1 else '.'}" for n in range(1, of + 1))
    return tuple(
        written(name, part.entries, [part.comment], head=head)
        for name, head, part in zip(names, heads, parts, strict=True)
    )


def _names(parts: Sequence[_Part]) -> tuple[str, ...]:
    """A name for each, with a number where two would have the same."""
    names = tuple(plan_name(tuple(part.entries)) for part in parts)
    if len(set(names)) == len(names):
        return names
    return tuple(f"{name}-{number}" for number, name in enumerate(names, start=1))


def _parts(change: Typed) -> Iterator[_Part]:
    if change.is_sql or not change.entries:
        return
    doubt = doubt_of(change)
    if not change.in_turn:
        yield _Part(list(change.entries), doubt, is_alone=not change.is_certain)
        return
    for number, turn in enumerate(change.turns):
        yield _Part(list(turn), doubt if number == 0 else "", is_alone=True)


def _joined(parts: Sequence[_Part]) -> Sequence[_Part]:
    """With each made one with the one before it, where a plan surely takes both."""
    if len(parts) < 2:
        return parts
    joined = [parts[0]]
    before = _columns(parts[0])
    for part in parts[1:]:
        columns = _columns(part)
        if before is None or columns is None or before.taken & columns.named:
            joined.append(part)
            before = columns
        else:
            joined[-1].entries += part.entries
            before = _Columns(before.named | columns.named, before.taken | columns.taken)
    return joined


def _columns(part: _Part) -> _Columns | None:
    """None where its plan does not surely take anything else."""
    if part.is_alone:
        return None
    named, taken = set[str](), set[str]()
    for entry in part.entries:
        ((kind, fields),) = entry.items()
        if kind not in _COLUMNS:
            return None
        own = fields.get(_COLUMNS[kind] or "", ())
        columns = {own} if isinstance(own, str) else set(own)
        columns |= {column for _, expression in as_change(entry).expressions for column in expression.columns}
        if taken & columns:
            return None
        named |= columns
        taken |= columns if kind != "add_column" else columns - {fields["name"]}
    return _Columns(frozenset(named), frozenset(taken))
