"""ADD FOREIGN KEY that looks up all rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING

from crossfade.lint.commands import Command, added_constraints
from crossfade.lint.cost import READ, blocked_by, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import LATER, add_constraint, not_valid_first

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_FIRST_NOT_VALID_ON_PARTITIONED = 180000


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in added_constraints(seen, "FOREIGN"):
        added = command.added_constraint
        if command.node.def_.skip_validation and _is_refused(seen, command):
            yield Said(
                message=f"fails with 42809: {command.table.name} is partitioned, and before PostgreSQL 18 its foreign "
                "keys cannot be NOT VALID.",
                instead=_instead(seen, command, added.name if added is not None else command.node.def_.conname or "…"),
                at=seen.statement.at(command.node.def_.location),
                is_planned=True,
            )
        if added is None or not command.works_behind_lock:
            continue
        looked_up = f"looks up all rows of {command.table.name} in {added.referenced}"
        yield Said(
            message=f"{looked_up} while {blocked_by(command.forecast)}, {how_long(1 / READ, command.table)}.",
            instead=_instead(seen, command, added.name),
            at=seen.statement.at(command.node.def_.location),
            is_planned=True,
        )


def _is_refused(seen: SeenStatement, command: Command) -> bool:
    """Whether the server has no foreign keys of it that are NOT VALID."""
    is_old = seen.before.server_version < _FIRST_NOT_VALID_ON_PARTITIONED
    return is_old and command.table.kind == "partitioned"


def _instead(seen: SeenStatement, command: Command, name: str) -> str:
    node, table = command.node.def_, command.table
    if not _is_refused(seen, command):
        return not_valid_first(command.relation, node, name)
    leaves = [m for m in seen.before.family(table.name) if m.kind != "partitioned"]
    steps = []
    for leaf in leaves:
        relation = copy(command.relation)
        relation.schemaname, relation.relname = leaf.name.schema, leaf.name.name
        steps.append(not_valid_first(relation, node, name))
    valid = copy(node)
    valid.skip_validation, valid.initially_valid = False, True
    whole = add_constraint(command.relation, valid)
    return "\n".join([*steps, f"{LATER} it takes over those of the partitions", whole])


RULE = Rule(
    id="foreign-key-without-not-valid",
    severity=Severity.ERROR,
    summary="ADD FOREIGN KEY looks up all rows while writes of both tables wait",
    explanation="""
ADD FOREIGN KEY takes a SHARE ROW EXCLUSIVE lock on both tables, and looks up every row of the one in the other under
it: writes of both wait. With NOT VALID the locks are taken for a moment only, and new rows are checked from then on.
VALIDATE CONSTRAINT, in a transaction of its own, looks the others up under locks that writes do not wait for.

Before PostgreSQL 18 a partitioned table cannot have a foreign key that is NOT VALID, and the server refuses it. There
each partition gets its own one first, as NOT VALID and validated; the one of the whole table then takes them over and
looks nothing up.
""",
    statement=_statement,
)
