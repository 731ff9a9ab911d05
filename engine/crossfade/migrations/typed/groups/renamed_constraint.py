"""A constraint that is dropped and comes back as it was, under another name: it gets that name, and is never missing.

Where it is a key, so are the foreign keys that have to go and come back around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.constraints import find, key_node, name_of, refers_alike
from crossfade.migrations.typed.entry import Entry, entry
from crossfade.migrations.typed.groups.group import certain, later, on_table
from crossfade.postgres.forecast.trees import names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Match, Rest
    from crossfade.postgres.catalog import Constraint

_KINDS = {"CONSTR_FOREIGN": "foreign", "CONSTR_PRIMARY": "primary", "CONSTR_UNIQUE": "unique"}
_LABELS = {"foreign": "fkey", "primary": "pkey", "unique": "key"}
_USUAL = ((), None, None, None, False, False, False, False)


def renamed_constraint(command: Command, rest: Rest) -> Match | None:
    """DROP CONSTRAINT, ADD CONSTRAINT with all that it did."""
    back = put_back(command, rest)
    if back is None:
        return None
    around = tuple(_around(command, rest)) if back.action.def_.contype.name != "CONSTR_FOREIGN" else ()
    pairs = ((command, back), *around)
    others = [c for pair in pairs for c in pair if c is not command]
    entries = tuple(change for drop, adding in pairs for change in renamed(drop, adding))
    # One that has its own name again may be left to what else is known of it.
    return certain(others, *entries) if entries else None


def put_back(drop: Command, rest: Rest) -> Command | None:
    """What adds the constraint again that is dropped."""
    known = find(drop, drop.action.name)
    if known is None or drop.action.behavior.name == "DROP_CASCADE":
        return None
    return next((a for a in on_table(later(rest, drop), drop, "AddConstraint") if _is_same(a, known)), None)


def renamed(drop: Command, adding: Command) -> Iterator[Entry]:
    """The other name, if it has one."""
    node = adding.action.def_
    kind = _KINDS[node.contype.name]
    columns = {"foreign": names(node.fk_attrs), "unique": names(node.keys)}.get(kind, ())
    name = name_of(adding, node, _LABELS[kind], columns)
    if name != drop.action.name:
        yield entry("rename_constraint", table=drop.table_text, from_=drop.action.name, to=name)


def _around(key: Command, rest: Rest) -> Iterator[tuple[Command, Command]]:
    """The foreign keys that point at it."""
    for drop in rest:
        known = find(drop, drop.action.name) if drop.does == "DropConstraint" else None
        if known is not None and known.kind == "foreign" and known.referenced == key.table_name:
            back = put_back(drop, rest)
            if back is not None:
                yield drop, back


def _is_same(adding: Command, known: Constraint) -> bool:
    node = adding.action.def_
    if _KINDS.get(node.contype.name) != known.kind:
        return False
    if known.kind != "foreign":
        # Of a key that statements have made, more than the columns is not known.
        there = key_node(known) if known.definition else None
        return names(node.keys) == known.columns and _how(node) == (_how(there) if there is not None else _USUAL)
    there, target = key_node(known), adding.before.qualify(node.pktable.schemaname, node.pktable.relname)
    return there is not None and refers_alike(node, target, known) and _rules(node) == _rules(there)


def _rules(node: Any) -> tuple[object, ...]:
    """What a foreign key does, besides what it refers to."""
    what = (node.fk_matchtype, node.fk_upd_action, node.fk_del_action, names(node.fk_del_set_cols))
    when = (node.deferrable, node.initdeferred, node.skip_validation, node.is_enforced)
    return (*what, *map(bool, when))


def _how(node: Any) -> tuple[object, ...]:
    """How a key is kept, besides what it is over."""
    over = (names(node.including), node.options, node.indexname, node.indexspace)
    when = (node.deferrable, node.initdeferred, node.nulls_not_distinct, node.without_overlaps)
    return (*over, *map(bool, when))
