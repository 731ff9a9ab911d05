"""DROP and CREATE of the same thing: a view, function, trigger, policy or type that is replaced, or made in any case.

The drop alone would wait for contract, and take away there what the CREATE has made in expand; so both are one change,
where the CREATE stands, unless that may come to the DROP. With IF EXISTS, what can be replaced in place is: CREATE OR
REPLACE, in expand. Else something that is in use goes for a moment, in contract; and so does a function whose
parameters are others, since calls may fit both.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.command import dropped
from crossfade.migrations.typed.entry import Entry, entry, printed
from crossfade.migrations.typed.groups.group import Match, Reading, later, on_table
from crossfade.migrations.typed.groups.in_place import goes_on, takes
from crossfade.migrations.typed.groups.new_tables import entries_of
from crossfade.migrations.typed.tables import drop_table
from crossfade.postgres.forecast.trees import NotOneStatement, kind, names, one_statement

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest

Key = tuple[str, ...]
REPLACED = "What was there before is not kept."
_RELATIONS = {
    "ViewStmt": ("VIEW", "view"),
    "CreateSeqStmt": ("SEQUENCE", "sequence"),
    "CreateTableAsStmt": ("MATVIEW", "into"),
    "CompositeTypeStmt": ("TYPE", "typevar"),
}
_TYPES = {"CreateEnumStmt": "typeName", "CreateRangeStmt": "typeName", "CreateDomainStmt": "domainname"}
_ON_TABLE = {"CreateTrigStmt": "trigname", "CreatePolicyStmt": "policy_name", "RuleStmt": "rulename"}


@dataclass(frozen=True, slots=True)
class _Thing:
    """What a statement drops or makes."""

    what: str
    name: Key
    """Of what is a table's, with the table's name."""
    schema: str | None
    """Where the statement says it."""

    def may_be(self, other: _Thing) -> bool:
        """Whether both may be the same thing; one of them may leave the schema out."""
        is_elsewhere = self.schema and other.schema and self.schema != other.schema
        return (self.what, self.name) == (other.what, other.name) and not is_elsewhere


def made_anew(command: Command, rest: Rest) -> Match | None:
    """The pair, whatever stands between them; of functions with one name, that with the same parameters first."""
    gone = _dropped(command)
    if gone is None:
        return None
    found = [c for c in later(rest, command) if (new := _made(c)) is not None and gone.may_be(new)]
    made = next((c for c in found if takes(c) == takes(command)), found[0] if found else None)
    if made is None:
        return None
    replaced = _replaced(made) if command.node.missing_ok and _is_replaceable(command, made) else None
    phases: dict[str, Any] = {"contract": (command.sql, made.sql)} if replaced is None else {"expand": (replaced,)}
    change = entry("sql", **phases, irreversible=True, reason=REPLACED)
    return Match(others=(made,), readings=(Reading(entries=(change,)),), is_late=True)


def _is_replaceable(gone: Command, made: Command) -> bool:
    """Whether OR REPLACE does what both do; a function that returns something else it refuses."""
    match made.does:
        case "CreateFunctionStmt":
            return takes(made) == takes(gone)
        case "ViewStmt":
            return goes_on(gone, made)
        case _:
            return made.does == "CreateTrigStmt" and not made.node.isconstraint


def _replaced(made: Command) -> str | None:
    """The same with OR REPLACE; None where the printer does not print all of it."""
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


def _dropped(command: Command) -> _Thing | None:
    """What a DROP of one thing names."""
    if command.does != "DropStmt":
        return None
    what, parts = command.node.removeType.name.removeprefix("OBJECT_"), _parts(command.node.objects[0])
    if what in {"TRIGGER", "POLICY", "RULE"}:
        return _Thing(what, parts[-2:], parts[-3] if len(parts) > 2 else None)
    return _named(_plain(what), parts) if parts else None


def _named(what: str, parts: Key) -> _Thing:
    return _Thing(what, parts[-1:], parts[-2] if len(parts) > 1 else None)


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


def _made(command: Command) -> _Thing | None:
    node, does = command.node, command.does
    if does in _ON_TABLE:
        what = does.removeprefix("Create").removesuffix("Stmt").upper()
        table = node.table if does == "CreatePolicyStmt" else node.relation
        name = getattr(node, _ON_TABLE[does])
        return _Thing({"TRIG": "TRIGGER"}.get(what, what), (table.relname, name), table.schemaname)
    if does == "CreateFunctionStmt":
        return _named("FUNCTION", names(node.funcname))
    if does in _TYPES:
        return _named("TYPE", names(getattr(node, _TYPES[does])))
    if does in _RELATIONS:
        what, slot = _RELATIONS[does]
        relation = getattr(node, slot)
        relation = relation.rel if kind(relation) == "IntoClause" else relation
        return _Thing(what, (relation.relname,), relation.schemaname)
    return None
