"""A column dropped and one like it added in one migration: a rename or a change of type that loses the values."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.lint.copied import column_copied
from crossfade.lint.declared import alter_commands
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import table_of
from crossfade.postgres.forecast.trees import NotOneStatement
from crossfade.postgres.forecast.type_names import TypeName, parse_type, read_type
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement
    from crossfade.postgres.catalog import Column, Table

_ALIKE = (frozenset({"text", "varchar", "bpchar"}), frozenset({"int2", "int4", "int8"}))
_MADE_BY_THE_SERVER = frozenset({"CONSTR_GENERATED", "CONSTR_IDENTITY"})


@dataclass(frozen=True, kw_only=True)
class _Dropped:
    seen: SeenStatement
    number: int
    table: Table
    column: Column


@dataclass(frozen=True, kw_only=True)
class _Added:
    number: int
    table: Table
    definition: Any

    @property
    def name(self) -> str:
        return str(self.definition.colname)


def _migration(migration: SeenMigration) -> Iterator[Said]:
    drops, adds = list(_drops(migration.steps)), list(_adds(migration.steps))
    lost = [d for d in drops if not column_copied(migration.steps, d.number, d.table.name, d.column.name)]
    again = [(d, a) for d in lost for a in adds if _same(d, a) and d.column.name == a.name and a.number >= d.number]
    for drop, add in again:
        yield _retyped(drop, add)
    left = [a for a in adds if a not in [added for _, added in again]]
    for drop in (d for d in lost if d not in [dropped for dropped, _ in again]):
        fitting = [a for a in left if _same(drop, a) and _fits(drop.column, a.definition)]
        if fitting:
            near = difflib.get_close_matches(drop.column.name, [a.name for a in fitting], n=1, cutoff=0.0)
            chosen = next((a for a in fitting if a.name in near), fitting[0])
            left.remove(chosen)
            yield _renamed(drop, chosen)


def _drops(way: Sequence[SeenStatement]) -> Iterator[_Dropped]:
    for number, seen in enumerate(way):
        for command in alter_commands(seen, "DropColumn"):
            table = seen.existing(seen.tree.relation)
            column = seen.existing_column(seen.tree.relation, command.name)
            if table is not None and column is not None:
                yield _Dropped(seen=seen, number=number, table=table, column=column)


def _adds(way: Sequence[SeenStatement]) -> Iterator[_Added]:
    for number, seen in enumerate(way):
        for command in alter_commands(seen, "AddColumn"):
            table = seen.existing(seen.tree.relation)
            if table is not None and command.def_.typeName is not None:
                yield _Added(number=number, table=table, definition=command.def_)


def _same(drop: _Dropped, add: _Added) -> bool:
    return drop.table.name == add.table.name


def _fits(column: Column, definition: Any) -> bool:
    """Whether the values of the one could be those of the other; of a type that is not known any could."""
    if any(c.contype.name in _MADE_BY_THE_SERVER for c in definition.constraints or ()):
        return False
    if column.type == "unknown":
        return True
    try:
        was, now = parse_type(column.type), read_type(definition.typeName)
    except NotOneStatement:
        return False
    return was.same_type(now) or (was.array == now.array and _alike(was, now))


def _alike(was: TypeName, now: TypeName) -> bool:
    return any(was.built_in in family and now.built_in in family for family in _ALIKE)


def _retyped(drop: _Dropped, add: _Added) -> Said:
    from pglast.stream import RawStream

    shown, wanted = quoted(drop.column.name), str(RawStream()(add.definition.typeName))
    return Said(
        of=drop.seen,
        message=f"drops {drop.table.name}.{shown} and adds it again as {wanted}: all of its values are lost.",
        instead=f"A second column of type {wanted}, kept equal to {shown} by a trigger and filled in batches; it takes "
        "the name when no running version reads the old one.",
        is_planned=True,
    )


def _renamed(drop: _Dropped, add: _Added) -> Said:
    old, new = quoted(drop.column.name), quoted(add.name)
    table = table_of(drop.seen.tree.relation)
    return Said(
        of=drop.seen,
        severity=Severity.WARNING if drop.column.type == "unknown" else None,
        message=f"drops {drop.table.name}.{old} and adds {new}: if that is the same column by another name, "
        "all of its values are lost.",
        instead=f"-- if it is the same column\nALTER TABLE {table} RENAME COLUMN {old} TO {new};\n"
        f"-- if it is not: drop {old} in a migration of its own",
        is_planned=True,
    )


RULE = Rule(
    id="drop-and-add-column",
    severity=Severity.ERROR,
    summary="a column dropped and added in one migration loses its values",
    explanation="""
ORMs that compare schemas cannot tell a rename from one column less and one more, nor keep values when they change a
type: they write DROP COLUMN and ADD COLUMN. The new column is empty, and what was in the old one is gone.

The rule speaks where a column is added again under its own name, and where one goes and another one of a type that
could take its values comes, in the same table and migration. It is silent where the migration reads the column into
something else before it drops it. Where the two really have nothing to do with each other, drop the old one in a
migration of its own. The changes `rename_column` and `change_type` keep values, and both names or types until contract.
""",
    migration=_migration,
)
