"""What stands in the way of moving columns from one table to another, and what to know before. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.step import Caution
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column, Default, Index, QualifiedName, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """What moves, and by what rows belong together: columns of the table with their names in the other one."""

    key: Mapping[str, str]
    columns: Mapping[str, str]


def shape(table: Table) -> Iterator[Refusal]:
    """Tables whose rows are not all in one place, or not safe there."""
    reasons = {
        "it is partitioned, or a partition.": table.kind == "partitioned" or table.partition_parent is not None,
        "it inherits, or is inherited from.": bool(table.inherits or table.children),
        f"it is a typed table of {table.typed_of}.": table.typed_of is not None,
        "it is unlogged.": table.persistence == "unlogged",
        "an earlier change of this plan gives it another name.": table.until_contract is not None,
    }
    for message, holds in reasons.items():
        if holds:
            yield Refusal(
                code="unsupported_table",
                object=str(table.name),
                message=message,
                instead="Move its columns in a maintenance window.",
            )


def key(names: Collection[str], table: Table) -> Iterator[Refusal]:
    """The columns say which rows belong together, by operators that nobody can replace."""
    unique = any(
        i.unique
        and i.valid
        and not i.partial
        and not i.has_expressions
        and {*i.columns[: i.key_count]} == {*names}
        and not _is_deferrable(table, i.constraint)
        for i in table.indexes
    )
    if not unique or not all(table.never_null(name) for name in names):
        yield Refusal(
            code="no_unique_key",
            object=str(table.name),
            message=f"{', '.join(map(quoted, names))} is no primary key, and not unique and NOT NULL, so it does "
            "not say which rows belong together.",
            instead="Name the columns of the primary key, or of a unique constraint without NULLs, in `key`.",
        )
    for column in (c for c in table.columns if c.name in names):
        if column.base_type.schema != "pg_catalog" and column.type_category != "E":
            yield Refusal(
                code="key_type",
                object=f"{table.name}.{quoted(column.name)}",
                message=f"values of {column.type} are compared by an operator that is not the server's own, which a "
                "trigger could find another one for.",
                instead="Take another key, or move the columns in a maintenance window.",
            )


def _is_deferrable(table: Table, constraint: str | None) -> bool:
    return any(c.deferrable for c in table.constraints if c.name == constraint)


def column(table: Table, column: Column) -> Iterator[Refusal]:
    """Values that would not be the same in two homes, or that one of them could not have."""
    name = f"{table.name}.{quoted(column.name)}"
    if column.generated is not None:
        yield Refusal(
            code="generated_column",
            object=name,
            message="it is a generated column; no app writes it, and the new table could not be filled.",
            instead="Drop it first, and add it to the new table afterwards.",
        )
    if column.identity is not None or column.owned_sequences:
        yield Refusal(
            code="identity_column",
            object=name,
            message="it numbers its rows by a sequence, so each INSERT here would give the row there another number.",
            instead="Leave it where it is.",
        )
    elif column.default is not None and not _is_constant(column.default):
        yield Refusal(
            code="default_varies",
            object=name,
            message=f"its default {column.default.expression} is no constant: nothing tells a row that an old version "
            "gave it from one that a new version wrote without the column.",
            instead="Drop the default first (drop_default), and let the app give the value.",
        )
    elif column.default is not None and column.default.of_plan:
        yield Refusal(
            code="not_together",
            object=name,
            message="an earlier change of this plan gives it its default, and what keeps the two tables in step names "
            "that in the sessions of the writers, whose search_path may mean something else by it.",
            instead="Put the two changes into two plans.",
        )
    if column.not_null and column.default is None:
        yield Refusal(
            code="no_value",
            object=name,
            message="it is NOT NULL and has no default: an INSERT of a new version, which leaves it out, would fail.",
            instead="Give it a default first (set_default), or let it be NULL (drop_not_null).",
        )
    if column.domain_constrained:
        yield Refusal(
            code="constrained_domain",
            object=name,
            message=f"its type {column.type} is a domain that checks something, perhaps that it is not NULL.",
            instead="Change its type first, or move it in a maintenance window.",
        )


def _is_constant(default: Default) -> bool:
    from pglast import parse_sql

    node = parse_sql(f"SELECT {default.expression}")[0].stmt.targetList[0].val  # type: ignore[union-attr]
    while type(node).__name__ in ("TypeCast", "CollateClause"):
        node = node.arg
    return type(node).__name__ == "A_Const"


def constraints(change: Moving, table: Table) -> Iterator[Refusal]:
    """Constraints over the columns that cannot hold in two homes."""
    moved = change.columns.keys()
    for constraint in table.constraints:
        over = {*constraint.columns}
        if not over & moved:
            continue
        reason = None
        if constraint.kind == "exclusion":
            reason = "an exclusion constraint does not go along."
        elif constraint.kind == "unique" and constraint.deferrable:
            reason = "a deferrable one does not go along: SET CONSTRAINTS would reach one of the two."
        elif constraint.kind == "foreign" and "ON DELETE CASCADE" in constraint.definition:
            reason = "whoever deletes what it refers to deletes rows of both tables until contract, then of one."
        elif over <= moved and not (constraint.validated and constraint.enforced):
            reason = "it is not known to hold for every row, and the new table's would refuse the others."
        if reason is not None:
            yield Refusal(
                code="unsupported_constraint",
                object=f"constraint {constraint.name} on {table.name}",
                message=reason,
                instead="Drop it, or make it another, in a plan before this one.",
            )


def hanging_on_it(table: Table) -> Iterator[Refusal]:
    """What guards or sends rows, and would not know of the other table."""
    if table.row_security or table.policies:
        yield Refusal(
            code="row_security",
            object=str(table.name),
            message=f"its row security ({', '.join(table.policies) or 'no policy'}) would not hold for the new table.",
            instead="Move the columns in a maintenance window, with policies for both tables.",
        )
    for rule in table.rules:
        yield Refusal(
            code="rule",
            object=f"rule {rule.name} on {table.name}",
            message="a rule of yours changes what a statement on the table does, also what our triggers send.",
            instead="Drop it, or make a trigger of it.",
        )
    for publication in table.publications:
        yield Refusal(
            code="publication",
            object=f"publication {publication.name}",
            message=f"it sends the rows of {table.name}, and a subscriber would not get the new table's with them.",
            instead="Let the subscribers have the new table first, or take the table out of it meanwhile.",
        )


def twice(table: Table, name: QualifiedName) -> Caution:
    """Every write is two until the end."""
    return Caution(
        code="written_twice",
        object=str(table.name),
        message=f"until the end of `retain` every write of these columns is done here and in {name}, and fires the "
        "triggers of both.",
    )


def left(change: Moving, table: Table, said: tuple[Caution, ...]) -> Iterator[Caution]:
    """What goes with the columns, as with DROP COLUMN, and is not made again over the other table's."""
    moved = change.columns.keys()
    for caution in said:
        if caution.code != "goes_along":
            yield caution
    gone = [f"index {i.name.name}" for i in table.indexes if i.constraint is None and _only_partly(i.references, moved)]
    gone += [
        f"constraint {c.name}"
        for c in table.constraints
        if c.kind != "not_null" and _only_partly(frozenset(c.columns), moved)
    ]
    gone += [f"statistics {s.name}" for s in table.extended_statistics if {*s.columns} & moved]
    if gone:
        yield Caution(
            code="goes_along",
            object=str(table.name),
            message=f"with the columns go, since they are over others as well: {', '.join(gone)}.",
        )


def left_behind(change: Moving, table: Table) -> Iterator[Caution]:
    """What PostgreSQL's own names for indexes, and their making, leave no place for."""
    left = [f"the comment of index {i.name.name}" for i in _whole(change, table) if i.comment is not None]
    left += [f"statistics targets of index {i.name.name}" for i in _whole(change, table) if i.statistics_targets]
    left += [f"options of column {quoted(c.name)}" for c in table.columns if c.name in change.columns and c.options]
    if left:
        yield Caution(code="left_behind", object=str(table.name), message=f"these do not go along: {', '.join(left)}.")


def _whole(change: Moving, table: Table) -> tuple[Index, ...]:
    return tuple(i for i in table.indexes if i.constraint is None and i.references <= change.columns.keys())


def _only_partly(used: frozenset[str], moved: object) -> bool:
    columns = frozenset(moved)  # type: ignore[call-overload]
    return bool(used & columns) and not used <= columns
