"""ENABLE and FORCE ROW LEVEL SECURITY with the policies of the same table: one change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import entry, expression_text, unless
from crossfade.migrations.typed.groups.group import certain, on_table

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Match, Rest


def row_security(command: Command, rest: Rest) -> Match | None:
    """ENABLE ROW LEVEL SECURITY, FORCE, CREATE POLICY."""
    forced = list(on_table(rest, command, "ForceRowSecurity"))
    made = list(on_table(rest, command, "CreatePolicyStmt"))
    policies = tuple(_policy(policy) for policy in made)
    return certain(
        [*forced, *made],
        entry("enable_row_security", table=command.table_text, force=bool(forced), policies=policies),
    )


def _policy(command: Command) -> dict[str, Any]:
    node, table = command.node, command.relation.relname
    found: dict[str, Any] = {"name": node.policy_name}
    if not node.permissive:
        found["restrictive"] = True
    if node.cmd_name != "all":
        found["for"] = node.cmd_name
    roles = [role for role in node.roles or () if role.roletype.name != "ROLESPEC_PUBLIC"]
    unless(
        (any(role.roletype.name != "ROLESPEC_CSTRING" for role in roles), "a role that is the session's"),
        (bool(roles) and len(roles) < len(node.roles), "PUBLIC beside others"),
    )
    if roles:
        found["to"] = tuple(role.rolename for role in roles)
    for key, condition in (("using", node.qual), ("check", node.with_check)):
        if condition is not None:
            found[key] = expression_text(condition, table)
    return found
