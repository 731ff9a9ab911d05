"""DROP and CREATE of the same thing: a view, function, trigger, policy or type that is replaced, or made in any case.

The drop alone would wait for contract, and take away there what the CREATE has made in expand; so both are one change,
where the CREATE stands. With IF EXISTS, what can be replaced in place is: CREATE OR REPLACE, in expand. Else something
that is in use goes for a moment, in contract.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.command import dropped
from crossfade.migrations.typed.entry import Entry, entry, printed
from crossfade.migrations.typed.groups.group import Match, Reading, later, on_table
from crossfade.migrations.typed.groups.new_tables import entries_of
from crossfade.migrations.typed.tables import drop_table
from crossfade.postgres.forecast.trees import NotOneStatement, kind, names, one_statement

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest

Key = tuple[str, ...]
REPLACED = "What was there before is not kept."
_REPLACEABLE = frozenset({"ViewStmt", "CreateFunctionStmt", "CreateTrigStmt"})
_RELATIONS = {"ViewStmt": "VIEW", "CreateSeqStmt": "SEQUENCE", "CreateTableAsStmt": "MATVIEW"}
_TYPES = {"CreateEnumStmt": "typeName", "CreateRangeStmt": "typeName", "CreateDomainStmt": "domainname"}
_ON_TABLE = {"CreateTrigStmt": "trigname", "CreatePolicyStmt": "policy_name", "RuleStmt": "rulename"}


def made_anew(command: Command, rest: Rest) -> Match | None:
    """The pair, whatever stands between them."""
    gone = _dropped(command)
    made = next((c for c in later(rest, command) if gone is not None and _made(c) == gone), None)
    if made is None:
        return None
    replaced = _replaced(made) if command.node.missing_ok else None
    phases: dict[str, Any] = {"contract": (command.sql, made.sql)} if replaced is None else {"expand": (replaced,)}
    change = entry("sql", **phases, irreversible=True, reason=REPLACED)
    return Match(others=(made,), readings=(Reading(entries=(change,)),), is_late=True)


def _replaced(made: Command) -> str | None:
    """The same with OR REPLACE; None where PostgreSQL has no such thing, or the printer does not print all of it."""
    is_replaceable = made.does in _REPLACEABLE and not getattr(made.node, "isconstraint", False)
    if not is_replaceable:
        return None
    changed = copy(made.node)
    changed.replace = True
    try:
        text = printed(changed)
        return text if one_statement(text) == changed else None
    except NotOneStatement:
        return None


def table_made_anew(command: Command, rest: Rest) -> Match | None:
    """DROP TABLE, CREATE TABLE of the same name. One that is not there is not dropped: if it is, CREATE TABLE fails."""
    name = dropped(command, "table")
    made = next((c for c in later(rest, command) if c.does == "CreateStmt" and c.table_name == name), None)
    if made is None:
        return None
    behind = [c for does in ("AddConstraint", "IndexStmt") for c in on_table(later(rest, made), made, does)]
    behind.sort(key=lambda c: c.number)
    new: tuple[Entry, ...] = entries_of([made, *behind])
    is_there = name in command.before.tables
    entries = (*drop_table(command), *new) if is_there else new
    return Match(others=(made, *behind), readings=(Reading(entries=entries, in_turn=is_there),), is_late=True)


def _dropped(command: Command) -> Key | None:
    """What a DROP of one thing names; without its schema, which one of the two may leave out."""
    if command.does != "DropStmt":
        return None
    what = command.node.removeType.name.removeprefix("OBJECT_")
    parts = _parts(command.node.objects[0])
    if what in {"TRIGGER", "POLICY", "RULE"}:
        return (what, *parts[-2:])
    return (_plain(what), parts[-1]) if parts else None


def _parts(thing: Any) -> Key:
    match kind(thing):
        case "TypeName":
            return names(thing.names)
        case "ObjectWithArgs":
            return names(thing.objname)
        case _:
            return names(thing)


def _plain(what: str) -> str:
    """Kinds of things that a drop and a create may call by different words."""
    return {"PROCEDURE": "FUNCTION", "ROUTINE": "FUNCTION", "DOMAIN": "TYPE"}.get(what, what)


def _made(command: Command) -> Key | None:
    node, does = command.node, command.does
    if does in _ON_TABLE:
        what = does.removeprefix("Create").removesuffix("Stmt").upper()
        table = node.table if does == "CreatePolicyStmt" else node.relation
        return ({"TRIG": "TRIGGER"}.get(what, what), table.relname, getattr(node, _ON_TABLE[does]))
    if does == "CreateFunctionStmt":
        return ("FUNCTION", names(node.funcname)[-1])
    if does in _TYPES:
        return ("TYPE", names(getattr(node, _TYPES[does]))[-1])
    if does == "CompositeTypeStmt":
        return ("TYPE", node.typevar.relname)
    if does in _RELATIONS:
        relation = {"ViewStmt": "view", "CreateSeqStmt": "sequence"}.get(does)
        return (_RELATIONS[does], getattr(node, relation).relname if relation else node.into.rel.relname)
    return None
