"""The changes of one migration in plans: as few as can be, in the order of its statements.

A plan changes the schema or rows. What stands in two phases of one plan may pass each other: all expand steps run
before any contract step. So what works on something that an earlier change of the plan drops, or that SQL before it has
made or altered, begins another plan; so does what `beside` says. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from crossfade.migrations.imported.beside import Mark, held, wanted
from crossfade.migrations.imported.fired import noted
from crossfade.migrations.typed import is_sql_of_contract
from crossfade.postgres.forecast.trees import below, functions_of, kind, names

if TYPE_CHECKING:
    from crossfade.migrations.script import SqlStatement
    from crossfade.migrations.typed import Entry, Typed

_OF_ROWS = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_MAKES_NAMES = frozenset(
    {
        *("CreateExtensionStmt", "CreateSchemaStmt", "CreateFunctionStmt", "DefineStmt", "CompositeTypeStmt"),
        *("CreateRangeStmt", "CreateOpClassStmt", "CreateCastStmt", "CreateDomainStmt", "CreateEnumStmt", "DoStmt"),
    }
)
"""Statements that make what other changes are looked up in: preflight finds these names only once they are there."""
_NAMED = ("typeName", "funcname", "domainname", "defnames", "trigname", "policy_name", "newname", "idxname", "subname")
"""Where statements have the names of what they make or change, besides tables."""
_DROPPING = {
    "drop_table": ("table",),
    "drop_index": ("name",),
    "rename_table": ("from", "to"),
    "move_table": ("table",),
}
"""Kinds of change after which a name means something else, and the keys that have it."""


class _About(Enum):
    """What a plan changes; one plan has one of these."""

    SCHEMA = auto()
    ROWS = auto()
    ROWS_BY_SQL = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry, and the change that it is of."""

    entry: Entry
    of: Typed
    is_first: bool
    """Of that change."""


@dataclass(slots=True)
class _Part:
    """A plan that is being put together."""

    about: _About
    is_closed: bool = False
    placed: list[Placed] = field(default_factory=list)
    makes_names: bool = False
    """SQL in it does, so that only SQL can be in it behind."""
    sent: set[str] = field(default_factory=set)
    """What SQL in expand works on."""
    gone: set[str] = field(default_factory=set)
    """What is dropped or altered in contract, by SQL or otherwise."""
    dropped: set[str] = field(default_factory=set)
    """What a kind of change drops."""
    held: set[Mark] = field(default_factory=set)
    """The columns in work, and the names that are given away."""
    wanted_last: set[Mark] = field(default_factory=set)
    """What SQL of contract wants, which runs behind all others."""

    def takes(self, change: Typed, about: _About) -> bool:
        """Whether the change can be in this plan too."""
        if self.is_closed or change.in_turn or about is not self.about:
            return False
        if wanted(change) & self.held or held(change) & self.wanted_last:
            return False
        touched = _touched(change.statements).union(_looked_up(change.statements))
        if change.is_sql:
            contract = all(map(is_sql_of_contract, change.entries))
            return not (touched & self.dropped or (not contract and touched & self.gone))
        return not self.makes_names and not touched & (self.sent | self.gone | self.dropped)

    def add(self, change: Typed) -> None:
        """Put it in."""
        touched = _touched(change.statements)
        self.held |= held(change)
        self.makes_names |= change.is_sql and any(kind(s.tree) in _MAKES_NAMES for s in change.statements)
        for number, entry in enumerate(change.entries):
            self.placed.append(Placed(entry=entry, of=change, is_first=number == 0))
            if is_sql_of_contract(entry):
                self.wanted_last |= wanted(change)
            if "sql" in entry:
                (self.gone if is_sql_of_contract(entry) else self.sent).update(touched)
            self.dropped |= set(_dropped(entry))

    def in_order(self) -> tuple[Placed, ...]:
        """With the SQL of contract last: it runs then anyway, and no other change goes on with what it altered."""
        return tuple(sorted(self.placed, key=lambda placed: is_sql_of_contract(placed.entry)))


def parts(changes: Iterable[Typed]) -> tuple[tuple[Placed, ...], ...]:
    """The entries of each plan in turn; a change that comes to nothing, or that no plan can send, is in none."""
    found: list[_Part] = []
    for change in changes:
        if not change.entries or change.is_refused:
            continue
        about = _about(change)
        if change.in_turn:
            found += _in_turn(change, about)
            continue
        if not (found and found[-1].takes(change, about)):
            found.append(_Part(about))
        found[-1].add(change)
    return tuple(noted(part.in_order() for part in found))


def one_by_one(placed: Iterable[Placed]) -> tuple[tuple[Placed, ...], ...]:
    """Each entry in a plan of its own, where a plan does not take them together."""
    return tuple((one,) for one in placed)


def _in_turn(change: Typed, about: _About) -> Iterator[_Part]:
    for number, turn in enumerate(change.turns):
        placed = [Placed(entry=e, of=change, is_first=(number, at) == (0, 0)) for at, e in enumerate(turn)]
        yield _Part(about, is_closed=True, placed=placed)


def _about(change: Typed) -> _About:
    if change.is_of_rows:
        return _About.ROWS
    is_rows = change.is_sql and all(kind(s.tree) in _OF_ROWS for s in change.statements)
    return _About.ROWS_BY_SQL if is_rows else _About.SCHEMA


def _touched(statements: Iterable[SqlStatement]) -> set[str]:
    """The last part of every name that may be one of a thing that the statements are about."""
    return {name for statement in statements for name in _names(statement.tree)}


def _looked_up(statements: Iterable[SqlStatement]) -> Iterator[str]:
    """The functions and types that the statements name, the schemas, and what stands in quotes, as in nextval('…')."""
    for statement in statements:
        yield from (name[-1] for name in functions_of(statement.tree))
        for node in below(statement.tree):
            if kind(node) == "TypeName":
                yield from names(node.names)
            elif kind(node) == "RangeVar" and node.schemaname is not None:
                yield node.schemaname
            elif kind(node) == "String":
                yield node.sval.rpartition(".")[2].strip('"')


def _names(tree: Any) -> Iterator[str]:
    for node in below(tree):
        if kind(node) == "RangeVar":
            yield node.relname
        elif kind(node) == "ObjectWithArgs":
            yield from names(node.objname)[-1:]
        elif kind(node) == "DropStmt":
            for dropped in node.objects:
                yield from names(dropped if isinstance(dropped, tuple) else getattr(dropped, "names", None))[-1:]
        elif kind(node) in {"RenameStmt", "AlterObjectSchemaStmt"}:
            yield from names(node.object if isinstance(node.object, tuple) else None)[-1:]
        for slot in _NAMED:
            value = getattr(node, slot, None) if kind(node).endswith("Stmt") else None
            if isinstance(value, str):
                yield value
            elif isinstance(value, tuple):
                yield from names(value)[-1:]


def _dropped(entry: Entry) -> Iterator[str]:
    """The names of tables and indexes that a kind of change takes away, or gives to another one."""
    ((what, fields),) = entry.items()
    for key in _DROPPING.get(what, ()):
        yield str(fields[key]).rsplit(".", 1)[-1].strip('"')
