"""CASCADE that takes columns, tables or foreign keys along which the statement does not name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.lint.commands import commands
from crossfade.lint.cost import listed, who_waits
from crossfade.lint.declared import made_type
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import named, table_of
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_TYPES = frozenset({"OBJECT_TYPE", "OBJECT_DOMAIN"})
_WITH_ROWS = frozenset({"table", "partitioned", "foreign table"})
_FIRST = "Without CASCADE it is refused where something hangs on it: take that away by name before, each by itself."


def _migration(migration: SeenMigration) -> Iterator[Said]:
    made, ever = set[str](), {name for seen in migration.steps for name in made_type(seen.tree)[-1:]}
    for seen in migration.steps:
        # IF EXISTS in front of what the migration makes is there to have no effect.
        own = ever if kind(seen.tree) == "DropStmt" and seen.tree.missing_ok else made
        yield from (replace(said, of=seen) for said in _statement(seen, own))
        made.update(made_type(seen.tree)[-1:])


def _statement(seen: SeenStatement, made: Collection[str]) -> Iterator[Said]:
    """`made` has the types that are the migration's own."""
    node = seen.tree
    match kind(node):
        case "DropOwnedStmt":
            roles = listed([quoted(role.rolename) for role in node.roles if role.rolename is not None] or ["the role"])
            also = ", and whatever hangs on that," if node.behavior.name == "DROP_CASCADE" else ""
            yield _said(
                f"drops every table, view and type of this database that {roles} owns{also} with all rows",
                "REASSIGN OWNED BY … TO … keeps what the role owns; then DROP OWNED takes its rights only.",
            )
        case "DropStmt" if node.behavior.name == "DROP_CASCADE" and node.removeType.name in _TYPES:
            yield from _types(seen, made)
        case "DropStmt" if node.behavior.name == "DROP_CASCADE" and node.removeType.name == "OBJECT_EXTENSION":
            which = listed([quoted(dropped.sval) for dropped in node.objects])
            yield _said(
                f"drops {which} with every column of its types, and every index and default that uses it", _FIRST
            )
        case "AlterTableStmt" if node.objtype.name == "OBJECT_TYPE":
            yield from _attributes(seen)
        case "AlterTableStmt":
            yield from _keys(seen)


def _types(seen: SeenStatement, made: Collection[str]) -> Iterator[Said]:
    lost = _lost_columns(seen)
    dropped = [names(each.names) for each in seen.tree.objects]
    if lost:
        yield _said(f"takes {listed(lost)} along", _FIRST)
    elif not seen.before.is_complete and any(d[-1] not in made for d in dropped):
        yield _said(f"takes every column of {listed([named(d) for d in dropped])} along", _FIRST)


def _lost_columns(seen: SeenStatement) -> list[str]:
    """Columns that others see and that are gone after it, and whole tables."""
    lost = []
    for name, table in seen.before.tables.items():
        if name not in seen.before.origins or table.kind not in _WITH_ROWS:
            continue
        left = seen.after.tables.get(name)
        if left is None:
            lost.append(f"the table {name}")
        else:
            lost += [f"{name}.{quoted(c.name)}" for c in table.columns if left.column(c.name) is None]
    return lost


def _attributes(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    of_type = str(seen.before.qualify(node.relation.schemaname, node.relation.relname))
    tables = [str(t.name) for t in seen.before.tables.values() if t.typed_of == of_type]
    for command in node.cmds:
        if command.subtype.name != "AT_DropColumn" or command.behavior.name != "DROP_CASCADE":
            continue
        if tables or not seen.before.is_complete:
            whose = listed(tables) if tables else f"every table OF {table_of(node.relation)}"
            yield _said(f"takes the column {quoted(command.name)} of {whose} along", _FIRST)


def _keys(seen: SeenStatement) -> Iterator[Said]:
    for command in commands(seen, "DropConstraint"):
        if command.node.behavior.name != "DROP_CASCADE":
            continue
        before = {(h.name, k.name) for h, k in seen.before.incoming(command.table.name)}
        after = {(h.name, k.name) for h, k in command.after.incoming(command.table.name)}
        gone = sorted(before - after)
        known = any(c.name == command.node.name for c in command.table.constraints)
        if gone:
            keys = listed([f"{quoted(key)} of {holder}" for holder, key in gone])
            waits = who_waits(LockMode.ACCESS_EXCLUSIVE, listed(sorted({str(h) for h, _ in gone})))
            yield Said(
                message=f"drops the foreign keys that point at it along: {keys}. {waits[0].upper()}{waits[1:]} too.",
                instead="Drop those foreign keys by name before, each in a transaction of its own.",
            )
        elif not known and not seen.before.is_complete:
            yield _said(
                "drops every foreign key along that points at it, while reads and writes of both tables wait", _FIRST
            )


def _said(what: str, instead: str) -> Said:
    return Said(
        message=f"{what}: running versions that use them fail from then on, and what was there is gone.",
        instead=instead,
    )


RULE = Rule(
    id="drop-cascade",
    severity=Severity.WARNING,
    breaks=True,
    summary="CASCADE drops columns, tables or foreign keys that the statement does not name",
    explanation="""
DROP TYPE, DROP DOMAIN and DROP EXTENSION with CASCADE drop every column of the type, with its values; ALTER TYPE … DROP
ATTRIBUTE … CASCADE drops a column of every table that was made OF the type; DROP CONSTRAINT … CASCADE of a key drops
the foreign keys that point at it, under an ACCESS EXCLUSIVE lock on their tables; and DROP OWNED drops whatever a role
owns. The server says what went along when it is too late. Without CASCADE it refuses, and lists what is in the way.

Drop what hangs on it by name, in the order that suits the versions of the app that are running, and then the thing
itself. What the same migration has made and the way back are no findings.
""",
    migration=_migration,
)
