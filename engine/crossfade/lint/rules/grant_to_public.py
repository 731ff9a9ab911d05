"""GRANT … TO PUBLIC of rights on rows, or to create in a schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import table_of
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _granted(node: Any) -> Any:
    grant = node.action if kind(node) == "AlterDefaultPrivilegesStmt" else node
    if kind(grant) != "GrantStmt" or not grant.is_grant:
        return None
    return grant if any(role.roletype.name == "ROLESPEC_PUBLIC" for role in grant.grantees) else None


def _statement(seen: SeenStatement) -> Iterator[Said]:
    grant = _granted(seen.tree) if not seen.goes_back else None
    if grant is None:
        return
    rights = {p.priv_name.upper() for p in grant.privileges or () if p.priv_name} or {"ALL"}
    what = grant.objtype.name
    if what == "OBJECT_SCHEMA" and rights & {"ALL", "CREATE"}:
        on = f"the schema {', '.join(quoted(o.sval) for o in grant.objects or ())}"
    elif what == "OBJECT_TABLE":
        on = _tables(grant)
    else:
        return
    yield Said(
        message=f"gives {', '.join(sorted(rights))} on {on} to PUBLIC: to every role of the server that can connect, "
        "those of later included.",
        instead="GRANT … TO a role, and that role to whoever needs it",
    )


def _tables(grant: Any) -> str:
    match grant.targtype.name:
        case "ACL_TARGET_OBJECT":
            return ", ".join(table_of(o) for o in grant.objects)
        case "ACL_TARGET_ALL_IN_SCHEMA":
            return f"all tables of {', '.join(quoted(o.sval) for o in grant.objects)}"
        case _:
            return "tables that will be made"


RULE = Rule(
    id="grant-to-public",
    severity=Severity.WARNING,
    summary="what is granted to PUBLIC is granted to everybody",
    explanation="""
PUBLIC is every role of the server, now and later, monitoring and read-only ones among them. A right on a table given to
it cannot be taken from one role alone. The right to create in a schema lets everybody put objects where others look for
theirs; PostgreSQL 15 took it away from PUBLIC in the schema public for that reason.
""",
    statement=_statement,
)
