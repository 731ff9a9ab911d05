"""ALTER DOMAIN that looks at every table with a column of the domain."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING

from crossfade.lint.cost import READ, blocked_by, how_long, listed, table_named
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import named, statement
from crossfade.postgres.forecast.trees import kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_ELSEWHERE = (
    "A CHECK on each table that has a column of the domain, added as NOT VALID and validated, says the same under "
    "locks that writes do not wait for."
)


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) != "AlterDomainStmt" or not (seen.forecast.scans or _is_unknown(seen)):
        return
    instead = _ELSEWHERE
    if node.subtype == "C" and node.def_.contype.name == "CONSTR_CHECK":
        changed = deepcopy(node)
        changed.def_.skip_validation, changed.def_.initially_valid = True, False
        instead = f"-- for new values; VALIDATE would block writes as well:\n{statement(changed)}"
    scanned = seen.forecast.scans
    if not scanned:
        name = named(names(node.typeName))
        yield Said(
            message=f"reads all rows of every table that has a column of {name} while writes of it wait, "
            f"{how_long(1 / READ, None)}.",
            instead=instead,
        )
        return
    yield Said(
        message=f"reads all rows of {listed(scanned)} while {blocked_by(seen.forecast)}, "
        f"{how_long(1 / READ, table_named(seen.before, scanned[0]))}.",
        instead=instead,
    )


def _is_unknown(seen: SeenStatement) -> bool:
    """A domain that no file makes is taken to be there and in use, and what it does reads rows."""
    node, parts = seen.tree, names(seen.tree.typeName)
    does = node.subtype in {"O", "V"} or (node.subtype == "C" and not node.def_.skip_validation)
    made = any(d.name.name == parts[-1] and parts[-2:-1] in {(), (d.name.schema,)} for d in seen.before.domains)
    return does and not made and not seen.before.is_complete


RULE = Rule(
    id="domain-constraint",
    severity=Severity.ERROR,
    summary="ALTER DOMAIN reads all tables that use the domain while their writes wait",
    explanation="""
ALTER DOMAIN … ADD CONSTRAINT and SET NOT NULL take a SHARE lock on every table that has a column of the domain, and
read all rows under it. With NOT VALID a CHECK takes no lock at all, and new values are checked from then on. But
VALIDATE CONSTRAINT of a domain, other than that of a table, blocks writes of all those tables too.
""",
    statement=_statement,
)
