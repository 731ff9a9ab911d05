"""A constraint that another one of the same name takes the place of: a foreign key with other actions, another CHECK.

An old CHECK goes in expand, since new versions may write what it refuses, and the new one comes behind its gate. So
does a foreign key to somewhere else. One with other actions lets the same rows pass, and is never missing: it is SQL in
contract, as is what has no kind of change. In one moment the old one goes and the new one comes, NOT VALID, and then it
is validated in a step of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING

from crossfade.migrations.typed.constraints import added, find, refers_alike, spelled
from crossfade.migrations.typed.entry import Entry, NotTyped, entry, printed
from crossfade.migrations.typed.groups.group import certain, later, on_column, on_table
from crossfade.migrations.typed.raw import UNKNOWN
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Match, Rest
    from crossfade.postgres.catalog import Constraint

_READ_LATER = frozenset({"CONSTR_CHECK", "CONSTR_FOREIGN"})
"""Those that can be added NOT VALID."""
_NOT_VALID = " NOT VALID"


def exchanged_constraint(command: Command, rest: Rest) -> Match | None:
    """DROP CONSTRAINT, ADD CONSTRAINT of the same name."""
    name = command.action.name
    for adding in on_table(later(rest, command), command, "AddConstraint"):
        node = adding.action.def_
        if node.conname == name and node.contype.name in _READ_LATER:
            validated = on_column(later(rest, adding), command, "ValidateConstraint", name)
            if validated is not None:
                return certain([adding, validated], *_exchange(command, adding))
            return certain([adding], *(_by_sql if node.skip_validation else _exchange)(command, adding))
    return None


def _exchange(drop: Command, adding: Command) -> tuple[Entry, ...]:
    """For a constraint that is valid in the end."""
    if not _is_alike(find(drop, drop.action.name), adding):
        try:
            gone = entry("drop_constraint", table=drop.table_text, name=drop.action.name, when="expand")
            return (gone, *added(adding, adding.action.def_))
        except NotTyped:
            pass
    return (*_by_sql(drop, adding), _validation(drop))


def _is_alike(old: Constraint | None, adding: Command) -> bool:
    """Whether both are foreign keys that let the same rows pass; one that is not known is taken for such a one."""
    node = adding.action.def_
    if node.contype.name != "CONSTR_FOREIGN":
        return False
    if old is None:
        return True
    target = adding.before.qualify(node.pktable.schemaname, node.pktable.relname)
    return refers_alike(node, target, old)


def _by_sql(drop: Command, adding: Command) -> Iterator[Entry]:
    """The exchange, which leaves the new one NOT VALID."""
    table, name, old = printed(drop.relation), quoted(drop.action.name), find(drop, drop.action.name)
    if old is not None and old.validated:
        yield _validation(drop)
    back = spelled(old).removesuffix(_NOT_VALID) if old is not None else ""
    undo = f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name} {back}{_NOT_VALID}"
    yield entry(
        "sql",
        contract=(_together(drop, adding),),
        revert=(undo,) if back else (),
        irreversible=not back,
        reason=None if back else UNKNOWN,
    )


def _validation(drop: Command) -> Entry:
    """A step of its own, which a revert runs again behind the exchange: it reads nothing where it is valid already."""
    validate = f"ALTER TABLE {printed(drop.relation)} VALIDATE CONSTRAINT {quoted(drop.action.name)}"
    return entry("sql", contract=({"run": validate, "undo": validate},))


def _together(drop: Command, adding: Command) -> str:
    """Both in one statement, the new one NOT VALID."""
    from pglast.ast import AlterTableStmt

    new = copy(adding.action)
    new.def_ = copy(new.def_)
    new.def_.skip_validation, new.def_.initially_valid = True, False
    return printed(
        AlterTableStmt(relation=drop.relation, cmds=(drop.action, new), objtype=drop.node.objtype, missing_ok=False)
    )
