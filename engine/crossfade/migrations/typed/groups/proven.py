"""What is added NOT VALID and validated later: constraints, and a CHECK that proves NOT NULL and goes again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.columns import set_not_null
from crossfade.migrations.typed.constraints import added
from crossfade.migrations.typed.entry import names_text
from crossfade.migrations.typed.groups.filling import fill_of
from crossfade.migrations.typed.groups.group import certain, later, on_column, on_table
from crossfade.migrations.typed.types import domain_check
from crossfade.postgres.forecast.trees import kind, names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Match, Rest


def not_null_by_check(command: Command, rest: Rest) -> Match | None:
    """ADD CHECK (… IS NOT NULL), VALIDATE, SET NOT NULL, DROP CONSTRAINT."""
    column = proven_column(command.action.def_)
    if column is None:
        return None
    rest, name = later(rest, command), command.action.def_.conname
    setting = on_column(rest, command, "SetNotNull", column)
    gone = on_column(rest, command, "DropConstraint", name)
    if setting is None or gone is None:
        return None
    validated = on_column(rest, command, "ValidateConstraint", name)
    filled = next(
        (u for u in on_table(rest, command, "UpdateStmt") if u.number < setting.number and _fills(u, column)), None
    )
    others = [c for c in (validated, filled, setting, gone) if c is not None]
    fill = None if filled is None else fill_of(filled, column)
    return certain(others, *set_not_null(setting, fill=fill))


def proven_column(node: Any) -> str | None:
    """The column of a CHECK (column IS NOT NULL)."""
    test: Any = node.raw_expr if node.contype.name == "CONSTR_CHECK" else None
    if kind(test) != "NullTest" or test.nulltesttype.name != "IS_NOT_NULL" or kind(test.arg) != "ColumnRef":
        return None
    return names(test.arg.fields)[-1]


def _fills(update: Command, column: str) -> bool:
    return fill_of(update, column, needs_where=True) is not None


def validated_constraint(command: Command, rest: Rest) -> Match | None:
    """ADD CONSTRAINT … NOT VALID, VALIDATE CONSTRAINT."""
    if not command.action.def_.skip_validation:
        return None
    name = command.action.def_.conname
    validated = on_column(later(rest, command), command, "ValidateConstraint", name) if name else None
    return None if validated is None else certain([validated], *added(command, command.action.def_))


def validated_domain(command: Command, rest: Rest) -> Match | None:
    """ALTER DOMAIN … ADD CHECK … NOT VALID, VALIDATE CONSTRAINT."""
    node = command.node
    if node.subtype != "C" or not node.def_.skip_validation:
        return None
    for other in later(rest, command):
        is_same = other.does == "AlterDomainStmt" and names_text(other.node.typeName) == names_text(node.typeName)
        if is_same and other.node.subtype == "V" and other.node.name == node.def_.conname:
            return certain([other], domain_check(node))
    return None
