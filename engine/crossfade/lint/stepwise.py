"""The same done in steps, as SQL that findings show: NOT VALID and VALIDATE, rows in batches, NOT NULL by a CHECK."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import TYPE_CHECKING, Any

from crossfade.lint.written import statement, table_of
from crossfade.postgres.forecast.chosen_names import chosen_name, key_names
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Table

LATER = "-- in a transaction of its own:"
OUTSIDE = "-- outside of a transaction:"
BATCHES = "-- again and again, each time in a transaction of its own, until no row is left:"
_BATCH = 10_000


def alter_table(relation: Any, command: Any) -> str:
    """ALTER TABLE with one part."""
    from pglast.ast import AlterTableStmt
    from pglast.enums import ObjectType

    return statement(AlterTableStmt(relation=relation, cmds=(command,), objtype=ObjectType.OBJECT_TABLE))


def add_constraint(relation: Any, constraint: Any) -> str:
    """ALTER TABLE … ADD CONSTRAINT of a Constraint node."""
    from pglast.ast import AlterTableCmd
    from pglast.enums import AlterTableType, DropBehavior

    command = AlterTableCmd(
        subtype=AlterTableType.AT_AddConstraint, def_=constraint, behavior=DropBehavior.DROP_RESTRICT
    )
    return alter_table(relation, command)


def not_valid_first(relation: Any, constraint: Any, name: str) -> str:
    """The constraint as NOT VALID, and its VALIDATE behind it."""
    changed = copy(constraint)
    changed.conname, changed.skip_validation, changed.initially_valid = name, True, False
    validate = f"ALTER TABLE {table_of(relation)} VALIDATE CONSTRAINT {quoted(name)};"
    return f"{add_constraint(relation, changed)}\n{LATER}\n{validate}"


def not_null(relation: Any, table: str, column: str) -> str:
    """SET NOT NULL with a CHECK that proves it."""
    shown, name = table_of(relation), quoted(f"{table}_{column}_not_null")
    return (
        f"ALTER TABLE {shown} ADD CONSTRAINT {name} CHECK ({quoted(column)} IS NOT NULL) NOT VALID;\n"
        f"{LATER}\nALTER TABLE {shown} VALIDATE CONSTRAINT {name};\n"
        f"ALTER TABLE {shown} ALTER COLUMN {quoted(column)} SET NOT NULL;\n"
        f"ALTER TABLE {shown} DROP CONSTRAINT {name};"
    )


def filled(relation: Any, table: Table, column: str, value: str, *, while_: str = "IS NULL") -> str:
    """An UPDATE in batches of the rows whose column has nothing yet, or is still something else."""
    shown, name = table_of(relation), quoted(column)
    return f"{BATCHES}\nUPDATE {shown} SET {name} = {value} WHERE {batch(relation, table, f'{name} {while_}')};"


def index_of_partitions(node: Any, table: Table) -> str:
    """CREATE INDEX on a partitioned table, where CONCURRENTLY is for its partitions only."""
    parts = (*node.indexParams, *(node.indexIncludingParams or ()))
    name = node.idxname or chosen_name(table.name.name, key_names(parts), "idx", ())
    whole = deepcopy(node)
    whole.concurrent, whole.relation.inh, whole.idxname = False, False, name
    return (
        f"{statement(whole)}\n-- for each partition, outside of a transaction: CREATE INDEX CONCURRENTLY …;\n"
        f"-- then: ALTER INDEX {quoted(name)} ATTACH PARTITION …;"
    )


def batch(relation: Any, table: Table | None, condition: str | None) -> str:
    """A condition that some thousand rows meet that also meet the other one."""
    shown, key = table_of(relation), _key(table)
    parts = [f"SELECT {key}", f"FROM {shown}", *([f"WHERE {condition}"] if condition else []), f"LIMIT {_BATCH}"]
    some = " ".join(parts)
    return f"ctid = ANY (ARRAY({some}))" if key == "ctid" else f"{key} IN ({some})"


def _key(table: Table | None) -> str:
    keys = (c.columns for c in table.constraints if c.kind == "primary") if table is not None else iter(())
    columns = next(keys, ())
    return quoted(columns[0]) if len(columns) == 1 else "ctid"


def without_clauses(relation: Any, command: Any, *kinds: str) -> str:
    """ADD COLUMN without the clauses of these kinds."""
    changed = deepcopy(command)
    kept = [c for c in changed.def_.constraints or () if c.contype.name.removeprefix("CONSTR_") not in kinds]
    changed.def_.constraints = tuple(kept) or None
    return alter_table(relation, changed)
