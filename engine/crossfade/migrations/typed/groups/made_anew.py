"""DROP and CREATE of the same thing: a view, function, trigger, policy or type that is replaced, or made in any case.

The drop alone would wait for contract, and take away there what the CREATE has made in expand; so both are one change,
where the CREATE stands, unless that may come to the DROP. Pairs that lie across each other are one change, since what
is dropped first may hang on what is dropped next. With IF EXISTS, what can be replaced in place is: CREATE OR
REPLACE, in expand. Else something that is in use goes for a moment, in contract; and so does a function whose
parameters are others, since calls may fit both. What fires where rows are written is no pair with a CREATE behind
such a statement: it has to be gone by then.
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
_WRITING = frozenset({"AlterColumnType", "DeleteStmt", "InsertStmt", "MergeStmt", "TruncateStmt", "UpdateStmt"})
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
    """A pair, whatever stands between the two, with the other drops there and what they are pairs with."""
    made = _made_again(command, rest)
    if made is None or _fires(command, rest, made.number):
        return None
    own, replaced = [made], _in_place(command, made)
    across = _across(command, made, rest)
    if replaced is not None and all(_in_place(gone, new) for gone, new in across.items() if new is not None):
        phases: dict[str, Any] = {"expand": (replaced,)}
    else:
        every = (*across, *(new for new in across.values() if new is not None))
        own = sorted((made, *every), key=lambda c: c.number)
        phases = {"contract": tuple(c.sql for c in (command, *own))}
    change = entry("sql", **phases, irreversible=True, reason=REPLACED)
    return Match(others=tuple(own), readings=(Reading(entries=(change,)),), is_late=True)


def _across(command: Command, made: Command, rest: Rest) -> dict[Command, Command | None]:
    """What is dropped before all is made again, which what was dropped before may hang on; each with its CREATE."""
    found: dict[Command, Command | None] = {}
    last = made.number
    for gone in later(rest, command):
        if gone.number < last and _dropped(gone) is not None:
            new = _made_again(gone, [c for c in rest if c is not made and c not in found.values()])
            until = max(last, new.number if new is not None else last)
            if not _fires(gone, rest, until):
                found[gone] = new
                last = until
    return found


def _made_again(command: Command, rest: Rest) -> Command | None:
    """The CREATE of what is dropped; of functions with one name, that with the same parameters first."""
    gone = _dropped(command)
    if gone is None:
        return None
    found = [c for c in later(rest, command) if (new := _made(c)) is not None and gone.may_be(new)]
    return next((c for c in found if takes(c) == takes(command)), found[0] if found else None)


def _fires(gone: Command, rest: Rest, until: int) -> bool:
    """Whether rows may be written behind the DROP, up to that number, for which what is dropped would fire."""
    is_firing = gone.node.removeType.name in {"OBJECT_TRIGGER", "OBJECT_RULE"}
    if not is_firing and gone.node.behavior.name != "DROP_CASCADE":
        return False
    between = [c for c in later(rest, gone) if c.number < until]
    # Another group has taken what is missing, such as a column with its UPDATE.
    return any(c.does in _WRITING for c in between) or len(between) < until - gone.number - 1


def _in_place(gone: Command, made: Command) -> str | None:
    """OR REPLACE instead of both; None where it would not do."""
    return _replaced(made) if gone.node.missing_ok and _is_replaceable(gone, made) else None


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
    """What a DROP of one thing names; None of a table or an index, for which there are kinds of change."""
    if command.does != "DropStmt" or command.node.removeType.name in {"OBJECT_TABLE", "OBJECT_INDEX"}:
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
