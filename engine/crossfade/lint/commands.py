"""The parts of ALTER TABLE, each foreseen as if it were a statement of its own.

A forecast is about a statement as a whole; a rule is about one part of it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Constraint, Table
    from crossfade.postgres.forecast import Forecast, Schema


@dataclass(frozen=True, kw_only=True, eq=False)
class Command:
    """One part of an ALTER TABLE on a table that others see."""

    seen: SeenStatement
    """The ALTER TABLE."""
    node: Any
    """The AlterTableCmd."""
    kind: str
    """The name of its subtype without `AT_`."""
    relation: Any
    """The RangeVar."""
    table: Table
    """As it is before the statement."""

    @property
    def forecast(self) -> Forecast:
        """What this part does."""
        return self._foreseen[0]

    @property
    def after(self) -> Schema:
        """The schema as this part alone leaves it."""
        return self._foreseen[1]

    @cached_property
    def _foreseen(self) -> tuple[Forecast, Schema]:
        whole = self.seen
        is_all = len(whole.tree.cmds) == 1
        return (whole.forecast, whole.after) if is_all else whole.before.foresee_tree(only(whole.tree, self.node))

    @property
    def works_behind_lock(self) -> bool:
        """It reads or writes all rows of a table while writes of it, or of another one, wait."""
        strong = any(lock.mode >= LockMode.SHARE for lock in self.forecast.locks)
        return strong and bool(self.forecast.scans)

    @property
    def added_constraint(self) -> Constraint | None:
        """The constraint that it adds to the table, with the name that PostgreSQL chooses."""
        known = {c.name for c in self.table.constraints}
        table = self.after.tables.get(self.table.name)
        return next((c for c in table.constraints if c.name not in known), None) if table is not None else None


def commands(seen: SeenStatement, *kinds: str) -> Iterator[Command]:
    """The parts of these kinds."""
    return (command for command in _commands(seen) if command.kind in kinds)


# Many rules ask for the parts of a statement, one rule after the other.
@lru_cache(maxsize=8)
def _commands(seen: SeenStatement) -> tuple[Command, ...]:
    node = seen.tree
    if kind(node) != "AlterTableStmt" or (table := seen.existing(node.relation)) is None:
        return ()
    return tuple(_command(seen, table, command) for command in node.cmds)


def _command(seen: SeenStatement, table: Table, node: Any) -> Command:
    return Command(
        seen=seen, node=node, kind=node.subtype.name.removeprefix("AT_"), relation=seen.tree.relation, table=table
    )


def only(node: Any, command: Any) -> Any:
    """The ALTER TABLE with one of its parts, or one like it."""
    from pglast.ast import AlterTableStmt

    return AlterTableStmt(relation=node.relation, cmds=(command,), objtype=node.objtype, missing_ok=node.missing_ok)


def added_constraints(seen: SeenStatement, *kinds: str) -> Iterator[Command]:
    """ADD CONSTRAINT of these kinds, by the name of their `contype` without `CONSTR_`."""
    for command in commands(seen, "AddConstraint"):
        if command.node.def_.contype.name.removeprefix("CONSTR_") in kinds:
            yield command
