"""A constraint that another one of the same name takes the place of: a foreign key with other actions, another CHECK.

No change of a plan gives a name away before contract, so it is one `sql` change there: in one moment the old one goes
and the new one comes, NOT VALID, and then it is validated while everybody goes on.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.constraints import find
from crossfade.migrations.typed.entry import entry, printed
from crossfade.migrations.typed.groups.group import certain, later, on_column, on_table
from crossfade.migrations.typed.raw import UNKNOWN
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Match, Rest
    from crossfade.postgres.catalog import Constraint

_READ_LATER = frozenset({"CONSTR_CHECK", "CONSTR_FOREIGN"})
"""Those that can be added NOT VALID."""


def exchanged_constraint(command: Command, rest: Rest) -> Match | None:
    """DROP CONSTRAINT, ADD CONSTRAINT of the same name."""
    name = command.action.name
    for adding in on_table(later(rest, command), command, "AddConstraint"):
        node = adding.action.def_
        if node.conname == name and node.contype.name in _READ_LATER:
            validated = on_column(later(rest, adding), command, "ValidateConstraint", name)
            parts = [adding] if validated is None else [adding, validated]
            return certain(parts, _exchange(command, adding, find(command, name)))
    return None


def _exchange(drop: Command, adding: Command, old: Constraint | None) -> Any:
    table, name = printed(drop.relation), quoted(drop.action.name)
    statements = (
        _together(drop, adding),
        f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
    )
    back = old.definition.removesuffix(" NOT VALID") if old is not None else ""
    is_known = back != ""
    revert = f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name} {back} NOT VALID"
    return entry(
        "sql",
        contract=statements,
        revert=(revert,) if is_known else (),
        irreversible=not is_known,
        reason=None if is_known else UNKNOWN,
    )


def _together(drop: Command, adding: Command) -> str:
    """Both in one statement, the new one NOT VALID."""
    from pglast.ast import AlterTableStmt

    new = copy(adding.action)
    new.def_ = copy(new.def_)
    new.def_.skip_validation, new.def_.initially_valid = True, False
    return printed(
        AlterTableStmt(relation=drop.relation, cmds=(drop.action, new), objtype=drop.node.objtype, missing_ok=False)
    )
