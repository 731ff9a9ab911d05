"""What a migration's way down leaves otherwise than it was before the way up, as far as the model of the schema tells.

Nothing is said where a statement does what the model cannot follow. Names of constraints and indexes are not compared,
nor the order of columns: what they are over is. Pure.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crossfade.lint.declared import made_type
from crossfade.lint.written import named
from crossfade.postgres.forecast.trees import NotOneStatement, kind, names
from crossfade.postgres.forecast.type_names import parse_type
from crossfade.postgres.names import QualifiedName, quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement
    from crossfade.postgres.catalog import Column, Table
    from crossfade.postgres.forecast import Schema

_WITHOUT_TRACE = frozenset({"TransactionStmt", "CreateExtensionStmt"})
_KINDS = {
    "primary": "primary key",
    "unique": "unique constraint",
    "check": "CHECK",
    "foreign": "foreign key",
    "exclusion": "exclusion constraint",
}

Tables = dict[QualifiedName, "Table"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was."""

    words: str
    """`the column public.users.age is still there`."""
    sql: str | None = None
    """What would take it back, where one statement does."""


def differences(migration: SeenMigration) -> tuple[Difference, ...]:
    """What the way down leaves otherwise; empty too where that cannot be told."""
    down = tuple(seen for seen in migration.down if seen.runs)
    if not down or any(_is_opaque(seen) for seen in (*migration.steps, *down)):
        return ()
    was = _with_assumed(dict(migration.before.tables), migration.before.tables, migration.steps)
    assumed = _with_assumed({}, migration.after.tables, down)
    now = down[-1].after.tables
    return (*_tables(was, now, assumed.keys()), *_types(migration.steps, down))


def _is_opaque(seen: SeenStatement) -> bool:
    return seen.forecast.unknown is not None and kind(seen.tree) not in _WITHOUT_TRACE


def _with_assumed(base: Tables, known: Container[QualifiedName], steps: Sequence[SeenStatement]) -> Tables:
    """The tables, and what statements take to be there besides; by the names of before the first one."""
    left: Schema | None = None
    for seen in steps:
        left = seen.at_first if left is None else left
        for name, table in seen.before.tables.items() if seen.before is not left else ():
            origin, before = seen.before.origins.get(name), left.tables.get(name)
            if origin is None or table is before:
                continue
            if before is None and name not in known:
                base[origin] = table
            elif before is not None and origin in base:
                base[origin] = _with_columns(base[origin], before, table)
        left = seen.after
    return base


def _with_columns(base: Table, before: Table, table: Table) -> Table:
    """With the columns that are in the one and were not in the other, since they were taken to be there."""
    more = tuple(c for c in table.columns if before.column(c.name) is None and base.column(c.name) is None)
    return replace(base, columns=(*base.columns, *more)) if more else base


def _tables(was: Tables, now: Mapping[QualifiedName, Table], assumed: Container[QualifiedName]) -> Iterator[Difference]:
    others = [name for name, table in was.items() if now.get(name) != table]
    for name in sorted((*others, *(name for name in now if name not in was))):
        if name in assumed and name not in was:
            continue
        if name not in now:
            yield Difference(f"{name} is gone")
        elif name not in was:
            word = "VIEW" if now[name].kind == "view" else "TABLE"
            yield Difference(f"{name} is still there", f"DROP {word} {name};")
        else:
            yield from _columns(was[name], now[name])
            yield from _parts(was[name], now[name])


def _columns(was: Table, now: Table) -> Iterator[Difference]:
    for name in dict.fromkeys(c.name for c in (*was.columns, *now.columns)):
        old, new = was.column(name), now.column(name)
        shown = f"{now.name}.{quoted(name)}"
        if old is None:
            sql = f"ALTER TABLE {now.name} DROP COLUMN {quoted(name)};"
            yield Difference(f"the column {shown} is still there", sql)
        elif new is None:
            yield Difference(f"the column {shown} is gone")
        elif "unknown" not in {old.type, new.type}:
            yield from _column(shown, f"ALTER TABLE {now.name} ALTER COLUMN {quoted(name)}", old, new)


def _column(shown: str, alter: str, old: Column, new: Column) -> Iterator[Difference]:
    if not _same_type(old.type, new.type):
        yield Difference(f"{shown} is of type {new.type}, not {old.type}", f"{alter} TYPE {old.type};")
    if old.not_null != new.not_null:
        word = "SET" if old.not_null else "DROP"
        yield Difference(f"{shown} {'can' if old.not_null else 'cannot'} be NULL", f"{alter} {word} NOT NULL;")
    if (old.default is None) != (new.default is None):
        has, drop = ("still has a", f"{alter} DROP DEFAULT;") if old.default is None else ("has no", None)
        yield Difference(f"{shown} {has} default", drop)


def _same_type(old: str, new: str) -> bool:
    """The same, also where only one of them is written with its schema."""
    if old == new:
        return True
    try:
        was, now = parse_type(old), parse_type(new)
    except NotOneStatement:
        return False
    return was.same_type(now) and was.modifiers == now.modifiers


def _parts(was: Table, now: Table) -> Iterator[Difference]:
    """Constraints and indexes, by what they are over."""
    old, new = dict(_described(was)), dict(_described(now))
    for words, drop in new.items():
        if words not in old:
            yield Difference(f"{words} of {now.name} is still there", drop)
    yield from (Difference(f"{words} of {now.name} is gone") for words in old if words not in new)


def _described(table: Table) -> Iterator[tuple[str, str]]:
    """Each part in words, with what drops it."""
    for constraint in table.constraints:
        if constraint.kind != "not_null":
            over = ", ".join(map(quoted, constraint.columns))
            drop = f"ALTER TABLE {table.name} DROP CONSTRAINT {quoted(constraint.name)};"
            yield f"the {_KINDS.get(constraint.kind, constraint.kind)} over ({over})", drop
    for index in table.indexes:
        if index.constraint is None:
            over = ", ".join(quoted(c) if c is not None else "an expression" for c in index.columns)
            yield f"the {'unique ' if index.unique else ''}index over ({over})", f"DROP INDEX {index.name};"


def _types(up: Sequence[SeenStatement], down: Sequence[SeenStatement]) -> Iterator[Difference]:
    """Types that the way up makes and neither way drops."""
    if any(kind(s.tree) == "DropStmt" and s.tree.removeType.name == "OBJECT_SCHEMA" for s in down):
        return
    gone = {name for seen in (*up, *down) for name in _types_gone(seen)}
    for seen in up:
        parts = made_type(seen.tree)
        if parts and parts[-1] not in gone:
            yield Difference(f"the type {named(parts)} is still there", f"DROP TYPE {named(parts)};")


def _types_gone(seen: SeenStatement) -> Iterator[str]:
    """The names of types that it drops, or gives another name."""
    node = seen.tree
    if kind(node) == "DropStmt" and node.removeType.name in {"OBJECT_TYPE", "OBJECT_DOMAIN"}:
        yield from (names(dropped.names)[-1] for dropped in node.objects)
    elif kind(node) == "RenameStmt" and node.renameType.name in {"OBJECT_TYPE", "OBJECT_DOMAIN"}:
        yield names(node.object)[-1]
